#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mortise::broker_tests {

/// What a connection's hooks must be shown. Each connection has a user name of its own, which is also its user property
/// `tag`, the end of its Will's topic and of the topics it publishes to: whatever is mixed up does not fit together.
struct Identity {
  std::string client_id;
  std::uint16_t peer_port = 0;
  std::uint64_t protocol_version = 5;
  bool has_tag = false;  // user properties are 5.0's
  bool has_will = false;
};

/// Compares what hooks and subscribers are shown with what each connection said. Internally synchronised.
class Witness {
 public:
  /// Before CONNECT is sent.
  void expect(const std::string& user, Identity identity);

  // What hooks are shown; each returns the user name of the client it is about.
  std::string see_connect(mortise_handle call);
  std::string see_access(mortise_handle call);
  std::string see_bind(mortise_handle call);
  void see_events(mortise_handle call);
  /// The same of an authenticate call that was retained, whatever has become of its connection.
  void see_retained_connect(mortise_handle owned, const std::string& user);

  // What is published.
  void see_will(std::string_view client_id, const std::string& user, std::string_view payload);
  void see_published(std::string_view client_id, const std::string& user, std::string_view payload);
  /// CONNECT was refused: its Will must never be seen.
  void see_refused(const std::string& user);

  void complain(const std::string& what);
  /// Everything that was wrong; the first few.
  std::vector<std::string> complaints() const;
  std::size_t principals_seen() const;
  std::size_t wills_seen() const;
  /// Forgets every connection, so that nothing of them is kept; complaints and counts stay.
  void forget();

 private:
  // All with the lock held.
  const Identity* find(const std::string& user, const char* where);
  void check_principal(mortise_handle principal, const char* where, std::string& user);
  void check_connect(mortise_handle call, const char* where, const std::string& user);
  void expect_equal(const std::string& seen, const std::string& expected, const char* what, const std::string& user);

  mutable std::mutex mutex_;
  std::map<std::string, Identity> identities_;          // guarded by mutex_, like all below
  std::map<std::uint64_t, std::string> user_of_epoch_;  // of Principals
  std::map<std::string, std::uint64_t> epoch_of_user_;
  std::set<std::string> wills_, refused_;  // by user
  std::vector<std::string> complaints_;
  std::size_t complaint_count_ = 0;
  std::size_t principals_seen_ = 0;
  std::size_t wills_seen_ = 0;
};

/// The Client Identifiers of clients that help: they have no affix and are asked nothing later.
bool is_helper(std::string_view client_id);

}  // namespace mortise::broker_tests
