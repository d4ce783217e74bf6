#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace topic_affix {

/// Who the affix is for. Lifetime: for the call.
struct ClientView {
  std::string_view client_id;
  std::optional<std::string_view> user_name;
  std::string_view listener;  // the URL
  std::string_view name_space;
};

/// Text with %c, %u, %l, %n for the client's own values, and %% for a percent sign.
struct Template {
  std::string text;
};

/// One rule, as it stands in the configuration.
struct Rule {
  // Patterns in which * stands for anything; nothing: whoever it is.
  std::optional<std::string> listener;
  std::optional<std::string> user;
  std::optional<std::string> client;
  Template prefix;
  Template suffix;
  std::uint32_t operations = 0;  // MORTISE_OPERATION_... bits

  bool concerns(const ClientView& client_view) const;
};

/// What is put around the topics of one client.
struct Affix {
  std::string prefix;
  std::string suffix;
  std::uint32_t operations = 0;

  /// The same for the same affix for ever: it is stored with sessions.
  std::uint64_t version() const;
};

/// Checks a prefix or suffix as configured. Errors: a text that says what is wrong and what to do; empty if nothing is.
std::string check_prefix(const Template& prefix);
std::string check_suffix(const Template& suffix);

/// The affix a rule means for a client. Errors: nothing, and `error` says which value cannot stand in a topic.
std::optional<Affix> affix_for(const Rule& rule, const ClientView& client, std::string& error);

}  // namespace topic_affix
