/// The ACL file's YAML, checked key by key.

#include <mortise/abi.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <mortise/text.hpp>
#include <mortise/topics.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "acl.h"

namespace auth_file {

namespace {

using mortise::quoted;

/// What is wrong, and where in the file.
struct Wrong : std::runtime_error {
  Wrong(const YAML::Mark& mark, const std::string& what)
      : std::runtime_error(std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + what) {}
};

void check_keys(const YAML::Node& mapping, const std::set<std::string>& known, const std::string& names) {
  std::set<std::string> seen;
  for (const auto& entry : mapping) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (known.count(key) == 0) throw Wrong(entry.first.Mark(), "unknown key " + quoted(key) + "; known are " + names);
    if (!seen.insert(key).second) throw Wrong(entry.first.Mark(), "the key " + quoted(key) + " stands here twice");
  }
}

std::vector<std::string> texts(const YAML::Node& node, const std::string& key) {
  const std::string remedy = key + " must be a list of texts; a text with # at its beginning needs quotes";
  if (!node.IsSequence()) throw Wrong(node.Mark(), remedy);
  if (node.size() == 0) throw Wrong(node.Mark(), key + " is empty; name something, or leave the key out");
  std::vector<std::string> list;
  for (const YAML::Node& entry : node) {
    if (!entry.IsScalar()) throw Wrong(entry.Mark(), remedy);
    list.push_back(entry.Scalar());
  }
  return list;
}

/// Checks the placeholders of a topic; the topic with a letter in the place of each.
std::string without_placeholders(const YAML::Node& node, const std::string& text, bool& has_placeholder) {
  std::string sample;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      sample += text[i];
      continue;
    }
    const char name = i + 1 < text.size() ? text[++i] : '\0';
    if (name != 'c' && name != 'u' && name != '%') {
      throw Wrong(node.Mark(), "unknown placeholder in " + quoted(text) +
                                   "; %c is the client id, %u the user name, %% a percent sign");
    }
    has_placeholder = true;
    sample += 'x';
  }
  return sample;
}

TopicPattern topic_pattern(const YAML::Node& node) {
  TopicPattern pattern;
  pattern.text = node.Scalar();
  const std::string sample = without_placeholders(node, pattern.text, pattern.has_placeholder);
  if (!mortise::is_filter(sample) || sample.size() > MORTISE_MAX_TOPIC_BYTES) {
    throw Wrong(node.Mark(),
                quoted(pattern.text) + " is not a Topic Filter; + and # stand alone in their level, # last");
  }
  if (sample.rfind("$share/", 0) == 0) {
    throw Wrong(node.Mark(), quoted(pattern.text) + ": leave $share/<name>/ out; a rule holds for shared ones too");
  }
  return pattern;
}

/// `allow: publish` or `deny: all`: which it is, and what it is about.
void read_effect(const YAML::Node& node, Rule& rule) {
  const YAML::Node allow = node["allow"];
  const YAML::Node deny = node["deny"];
  if (allow.IsDefined() == deny.IsDefined()) throw Wrong(node.Mark(), "a rule has either allow or deny");
  const YAML::Node& action = allow.IsDefined() ? allow : deny;
  const std::string text = action.IsScalar() ? action.Scalar() : "";
  rule.allows = allow.IsDefined();
  rule.for_publish = text == "publish" || text == "all";
  rule.for_subscribe = text == "subscribe" || text == "all";
  if (!rule.for_publish && !rule.for_subscribe) {
    throw Wrong(action.Mark(), "unknown action " + quoted(text) + "; known are publish, subscribe, all");
  }
}

Rule read_rule(const YAML::Node& node) {
  if (!node.IsMap()) throw Wrong(node.Mark(), "a rule is a mapping: { allow: publish, topics: [...] }");
  check_keys(node, {"allow", "deny", "topics", "users", "clients"}, "allow, deny, topics, users, clients");
  Rule rule;
  rule.line = node.Mark().line + 1;
  read_effect(node, rule);
  if (!node["topics"].IsDefined()) throw Wrong(node.Mark(), "a rule needs topics");
  (void)texts(node["topics"], "topics");
  for (const YAML::Node& topic : node["topics"]) rule.topics.push_back(topic_pattern(topic));
  if (node["users"].IsDefined()) rule.users = texts(node["users"], "users");
  if (node["clients"].IsDefined()) rule.clients = texts(node["clients"], "clients");
  return rule;
}

std::vector<Rule> read_rules(const std::string& text) {
  const YAML::Node root = YAML::Load(text);
  if (!root.IsMap()) throw Wrong(root.Mark(), "an ACL file is a mapping with the key rules");
  check_keys(root, {"rules"}, "rules");
  const YAML::Node list = root["rules"];
  if (!list.IsDefined() || !list.IsSequence()) throw Wrong(root.Mark(), "rules must be there, and be a list");
  std::vector<Rule> rules;
  for (const YAML::Node& node : list) rules.push_back(read_rule(node));
  return rules;
}

}  // namespace

std::shared_ptr<const Acl> Acl::parse(const std::string& text, const std::string& name, std::string& error) {
  auto acl = std::make_shared<Acl>();
  acl->name_ = name;
  try {
    acl->rules_ = read_rules(text);
    return acl;
  } catch (const Wrong& wrong) {
    error = name + ":" + wrong.what();
  } catch (const YAML::Exception& wrong) {
    error = name + ":" + std::to_string(wrong.mark.line + 1) + ":" + std::to_string(wrong.mark.column + 1) +
            ": not YAML: " + quoted(wrong.msg, 200);
  }
  return nullptr;
}

std::shared_ptr<const Acl> Acl::read(const std::string& path, std::string& error) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.str().empty()) {
    const int reason = errno;
    const bool is_empty = file.is_open();
    error = path + ": " +
            (is_empty ? "is empty or cannot be read; write rules: [...]"
                      : std::string("cannot be opened: ") + std::strerror(reason));
    return nullptr;
  }
  return parse(text.str(), path, error);
}

}  // namespace auth_file
