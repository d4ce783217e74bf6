#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auth_file {

/// Who asks. Lifetime: for the call.
struct ClientView {
  std::string_view client_id;
  std::optional<std::string_view> user_name;
};

/// One topic of a rule: a Topic Filter in which %c and %u stand for the client's own values.
struct TopicPattern {
  std::string text;  // as written
  bool has_placeholder = false;
};

/// One rule, as it stands in the file.
struct Rule {
  bool allows = false;
  bool for_publish = false;
  bool for_subscribe = false;
  std::vector<TopicPattern> topics;
  std::vector<std::string> users;    // patterns; empty: everybody
  std::vector<std::string> clients;  // patterns; empty: every client id
  int line = 0;
};

/// What the rules say to one question.
struct Verdict {
  bool is_allowed = false;
  int line = 0;              // of the rule that decided; 0: none did
  std::string cache_filter;  // of a publish: every topic of it gets this answer; empty: this topic only
  struct Part {
    bool allows;
    std::string filter;
  };
  std::vector<Part> parts;  // of an allowed subscribe: what to leave out of it, first match first
};

/// The rules of an ACL file. The first rule that says something about the topic decides; if none does, the answer is
/// no. Immutable. Thread: any.
class Acl {
 public:
  /// Reads an ACL file. Errors: null, and `error` is one line with file, line, column and remedy.
  static std::shared_ptr<const Acl> read(const std::string& path, std::string& error);
  /// The same for text; `name` stands for the file in `error`.
  static std::shared_ptr<const Acl> parse(const std::string& text, const std::string& name, std::string& error);

  /// May the client publish to this Topic Name (routed)?
  Verdict publish(std::string_view topic, const ClientView& client) const;
  /// May the client subscribe to this Topic Filter (routed)? Yes if the first rule that covers it whole allows; earlier
  /// rules that touch a part of it become `parts`.
  Verdict subscribe(std::string_view filter, const ClientView& client) const;

  /// A line for each rule that nothing can reach, because earlier rules decide all it speaks of.
  std::vector<std::string> warnings() const;

  const std::vector<Rule>& rules() const { return rules_; }
  /// "acl.yaml:7", for the log; "acl.yaml: no rule" for 0.
  std::string place(int line) const;

 private:
  std::string name_;
  std::vector<Rule> rules_;
};

}  // namespace auth_file
