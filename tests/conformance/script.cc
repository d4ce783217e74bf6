#include "tests/conformance/script.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace mortise::conformance {
namespace {

using mqtt::ProtocolVersion;
using Kind = Step::Kind;

constexpr std::pair<std::string_view, ProtocolVersion> kVersions[] = {
    {"3.1", ProtocolVersion::k31}, {"3.1.1", ProtocolVersion::k311}, {"5.0", ProtocolVersion::k5}};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<std::vector<ProtocolVersion>> versions_of(std::string_view text) {
  std::vector<ProtocolVersion> versions;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const auto version = version_named(word);
    if (!version) return std::nullopt;
    versions.push_back(*version);
  }
  return versions.empty() ? std::nullopt : std::optional(versions);
}

/// Reads a file line by line into a script.
class Parser {
 public:
  explicit Parser(std::string name) { script_.name = std::move(name); }

  /// What is wrong with the line.
  std::optional<std::string> line(std::string_view text, int number) {
    number_ = number;
    text = trimmed(text);
    if (text.empty() || text.starts_with('#')) return std::nullopt;
    for (const auto& [begin, read] : kHeaders) {
      if (text.starts_with(begin)) return (this->*read)(trimmed(text.substr(begin.size())));
    }
    played_ = script_.versions;
    if (text.starts_with('[')) {
      const std::size_t end = text.find(']');
      const auto only = end == std::string_view::npos ? std::nullopt : versions_of(text.substr(1, end - 1));
      if (!only) return "no list of versions in brackets";
      played_ = *only;
      text = trimmed(text.substr(end + 1));
    }
    if (text.starts_with("advance ")) return advance(text.substr(8));
    return clients_line(text);
  }

  Script take() { return std::move(script_); }

 private:
  using Header = std::optional<std::string> (Parser::*)(std::string_view);

  std::optional<std::string> proves(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t comma = std::min(text.find(',', at), text.size());
      script_.proves.emplace_back(trimmed(text.substr(at, comma - at)));
      at = comma + 1;
    }
    return std::nullopt;
  }
  std::optional<std::string> versions(std::string_view text) {
    const auto found = versions_of(text);
    if (!found) return "no list of versions";
    script_.versions = *found;
    return std::nullopt;
  }
  std::optional<std::string> set(std::string_view text) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return "no name and value of a setting";
    script_.settings.push_back({std::string(text.substr(0, blank)), std::string(trimmed(text.substr(blank)))});
    return std::nullopt;
  }
  std::optional<std::string> speaks(std::string_view text) {
    const std::size_t blank = text.find(' ');
    const auto version = version_named(trimmed(text.substr(std::min(blank, text.size()))));
    if (!version) return "no client and version";
    script_.fixed_versions[std::string(text.substr(0, blank))] = *version;
    return std::nullopt;
  }
  static constexpr std::pair<std::string_view, Header> kHeaders[] = {{"proves:", &Parser::proves},
                                                                     {"versions:", &Parser::versions},
                                                                     {"set:", &Parser::set},
                                                                     {"speaks:", &Parser::speaks}};

  Step& add(Kind kind, std::string client = {}) {
    Step step;
    step.kind = kind;
    step.client = std::move(client);
    step.played = played_;
    step.line = number_;
    return script_.steps.emplace_back(std::move(step));
  }

  std::optional<std::string> advance(std::string_view text) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size()) return "no number of seconds";
    add(Kind::kAdvance).seconds = seconds;
    return std::nullopt;
  }

  /// CLIENT > ..., CLIENT < ..., CLIENT ~ ..., CLIENT refused CODE, CLIENT joins ...
  std::optional<std::string> clients_line(std::string_view text) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return "neither a header nor what a client does";
    const std::string client(text.substr(0, blank));
    const std::string_view rest = trimmed(text.substr(blank));
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view verb = rest.substr(0, end), what = trimmed(rest.substr(end));
    if (verb == ">") return sends(client, what);
    if (verb == "<" || verb == "~") return expects(client, what, verb == "~");
    if (verb == "refused") return is_refused(client, what);
    if (verb == "joins") return joins(client, what);
    return "a client's line has >, <, ~, refused or joins";
  }

  std::optional<std::string> sends(const std::string& client, std::string_view what) {
    if (what == "drop") return add(Kind::kDrop, client), std::nullopt;
    if (const auto bytes = read_bytes(what)) {
      add(Kind::kSendBytes, client).bytes = *bytes;
      return std::nullopt;
    }
    return read_packet(what, add(Kind::kSend, client));
  }

  std::optional<std::string> expects(const std::string& client, std::string_view what, bool is_in_any_order) {
    if (what == "close") return add(Kind::kExpectClose, client), std::nullopt;
    if (what == "nothing") return add(Kind::kExpectNothing, client), std::nullopt;
    if (const auto bytes = read_bytes(what)) {
      add(Kind::kExpectBytes, client).bytes = *bytes;
      return std::nullopt;
    }
    Step& step = add(Kind::kExpect, client);
    step.is_in_any_order = is_in_any_order;
    return read_packet(what, step);
  }

  /// 5.0: DISCONNECT with the code and the close; 3.1 and 3.1.1: the close alone.
  std::optional<std::string> is_refused(const std::string& client, std::string_view code) {
    const std::vector<ProtocolVersion> all = played_;
    const auto fixed = script_.fixed_versions.find(client);
    const auto is_5 = [&](ProtocolVersion version) {
      return (fixed == script_.fixed_versions.end() ? version : fixed->second) == ProtocolVersion::k5;
    };
    std::erase_if(played_, [&](ProtocolVersion version) { return !is_5(version); });
    if (!played_.empty()) add(Kind::kExpect, client).words = {{"DISCONNECT", ""}, {"code", std::string(code)}};
    played_ = all;
    add(Kind::kExpectClose, client);
    return std::nullopt;
  }

  /// CONNECT, under the client's own name if no other is given, and CONNACK 0.
  std::optional<std::string> joins(const std::string& client, std::string_view what) {
    Step& step = add(Kind::kSend, client);
    if (auto wrong = read_packet("CONNECT " + std::string(what), step)) return wrong;
    const bool is_named =
        std::any_of(step.words.begin(), step.words.end(), [](const Word& w) { return w.key == "id"; });
    if (!is_named) step.words.push_back({"id", client});
    add(Kind::kExpect, client).words = {{"CONNACK", ""}, {"session_present", "?"}};
    return std::nullopt;
  }

  static std::optional<std::string> read_packet(std::string_view text, Step& step) {
    Result<Words> words = read_words(text);
    if (!words) return words.error().message;
    if (words->empty()) return "no packet";
    step.words = *words;
    return std::nullopt;
  }

  Script script_{{}, {ProtocolVersion::k311, ProtocolVersion::k5}, {}, {}, {}, {}};
  std::vector<ProtocolVersion> played_;
  int number_ = 0;
};

}  // namespace

bool Script::waits() const {
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.kind == Kind::kAdvance; });
}

Result<Script> read_script(const std::filesystem::path& file) {
  Parser parser((file.parent_path().filename() / file.stem()).string());
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (const auto wrong = parser.line(line, number))
      return failure(file.string() + ":" + std::to_string(number) + ": " + line + ": " + *wrong);
  }
  Script script = parser.take();
  if (script.steps.empty()) return failure(file.string() + ": nothing happens");
  return script;
}

std::optional<ProtocolVersion> version_named(std::string_view name) {
  for (const auto& [text, version] : kVersions) {
    if (text == name) return version;
  }
  return std::nullopt;
}

const char* name_of(ProtocolVersion version) {
  for (const auto& [text, known] : kVersions) {
    if (known == version) return text.data();
  }
  return "";
}

std::optional<std::string> read_bytes(std::string_view line) {
  std::string bytes;
  for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != std::string_view::npos;) {
    if (line[at] == '"') {
      const std::size_t end = line.find('"', at + 1);
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view text = line.substr(at + 1, end - at - 1);
      at = end + 1;
      unsigned times = 1;
      if (at < line.size() && line[at] == '*') {
        const auto [rest, error] = std::from_chars(line.data() + at + 1, line.data() + line.size(), times);
        if (error != std::errc()) return std::nullopt;
        at = static_cast<std::size_t>(rest - line.data());
      }
      while (times-- > 0) bytes += text;
      continue;
    }
    const std::size_t end = std::min(line.find(' ', at), line.size());
    unsigned byte = 0;
    const auto [read, error] = std::from_chars(line.data() + at, line.data() + end, byte, 16);
    if (error != std::errc() || read != line.data() + end || end != at + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
    at = end;
  }
  return bytes.empty() ? std::nullopt : std::optional(bytes);
}

}  // namespace mortise::conformance
