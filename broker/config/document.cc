#include "broker/config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "broker/base/bytes.h"
#include "broker/mqtt/topic.h"

namespace mortise::config {

namespace {

constexpr std::size_t kNodeCost = 16;

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

/// A collection that is being filled.
struct OpenNode {
  std::shared_ptr<YamlNode> node;
  YAML::anchor_t anchor = YAML::NullAnchor;
  std::optional<YamlEntry> entry;  // of a map: the key has been read, the value is next
  std::set<std::string> keys;
};

/// Builds the tree from yaml-cpp's events rather than from its own tree, which is expensive to bound: an alias is
/// shared, and what it would cost written out is added up as it is met. After the first problem every event is ignored.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = std::make_shared<YamlNode>();
    node->place = place_of(mark);
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      return refuse(place_of(mark), "an alias inside of what its own anchor names; write the value out");
    add(found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlKind::kScalar;
    node->place = place_of(mark);
    node->is_quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!node->is_quoted && tag != "?" && !tag.empty()) return refuse_tag(node->place, tag);
    node->text = value;
    finish(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlKind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlKind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  const std::optional<Problem>& problem() const { return problem_; }
  YamlNodePtr root() const { return root_; }

 private:
  void refuse(Place place, std::string text) {
    if (!problem_) problem_ = Problem{place, std::move(text)};
  }
  void refuse_tag(Place place, const std::string& tag) {
    refuse(place, "the tag " + quoted(tag, 64) + " is not known here; only !!str is, to make a value text");
  }

  void refuse_depth(Place place) {
    refuse(place, "nested more than " + std::to_string(kMaximumDepth) + " levels deep");
  }

  void open(YamlKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (problem_) return;
    if (!tag.empty() && tag != "?" && tag != "!") return refuse_tag(place_of(mark), tag);
    if (stack_.size() >= kMaximumDepth) return refuse_depth(place_of(mark));
    OpenNode opened;
    opened.node = std::make_shared<YamlNode>();
    opened.node->kind = kind;
    opened.node->place = place_of(mark);
    opened.anchor = anchor;
    stack_.push_back(std::move(opened));
  }

  void close() {
    if (problem_) return;
    OpenNode closed = std::move(stack_.back());
    stack_.pop_back();
    finish(std::move(closed.node), closed.anchor);
  }

  void finish(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
    if (problem_) return;
    node->cost += kNodeCost + node->text.size();
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    add(std::move(node));
  }

  void add(YamlNodePtr node) {
    if (problem_) return;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = stack_.back();
    parent.node->cost += node->cost;
    parent.node->depth = std::max(parent.node->depth, node->depth + 1);
    if (stack_.size() + node->depth > kMaximumDepth) return refuse_depth(node->place);
    if (parent.node->cost > kMaximumExpandedSize)
      return refuse(node->place, "too large with its aliases written out (at most " +
                                     std::to_string(kMaximumExpandedSize >> 20) + "MiB)");
    if (parent.node->kind == YamlKind::kSequence) {
      parent.node->items.push_back(std::move(node));
    } else if (parent.entry) {
      parent.entry->value = std::move(node);
      parent.node->entries.push_back(std::move(*parent.entry));
      parent.entry.reset();
    } else {
      add_key(parent, *node);
    }
  }

  void add_key(OpenNode& parent, const YamlNode& key) {
    if (key.kind != YamlKind::kScalar)
      return refuse(key.place, "a key must be a plain word, not a list, a mapping or nothing");
    if (!parent.keys.insert(key.text).second)
      return refuse(key.place, quoted(key.text, 64) + " is written twice in one mapping; keep one");
    parent.node->cost += key.text.size();
    parent.entry = YamlEntry{key.place, key.text, nullptr};
  }

  std::vector<OpenNode> stack_;
  std::map<YAML::anchor_t, YamlNodePtr> anchors_;
  YamlNodePtr root_;
  std::optional<Problem> problem_;
};

/// The place of the first byte that is not UTF-8 is found by line only: good enough to open the file at.
Place place_of_invalid_text(std::string_view text) {
  int line = 1;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!mqtt::is_valid_utf8(text.substr(0, end))) break;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    ++line;
  }
  return {line, 1};
}

std::optional<Problem> run_parser(std::string_view text, TreeBuilder& builder) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (builder.problem()) return builder.problem();
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      const Place place = second.root() ? second.root()->place : Place{};
      return Problem{place, "a second document begins here; one file holds one"};
    }
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    return Problem{place_of(error.mark), "not valid YAML: " + error.msg};
  } catch (const std::exception& error) {
    return Problem{{}, std::string("not readable as YAML: ") + error.what()};
  }
}

}  // namespace

Result<YamlNodePtr, Problem> parse_document(std::string_view text) {
  if (text.size() > kMaximumFileSize)
    return failure(
        Problem{{1, 1}, "larger than " + std::to_string(kMaximumFileSize >> 20) + "MiB: this is not a configuration"});
  if (!mqtt::is_valid_utf8(text)) return failure(Problem{place_of_invalid_text(text), "not UTF-8 text"});
  TreeBuilder builder;
  if (auto problem = run_parser(text, builder)) return failure(std::move(*problem));
  if (!builder.root() || builder.root()->kind == YamlKind::kNull)
    return failure(Problem{{1, 1}, "there is nothing in this file; `{}` asks for all defaults"});
  return builder.root();
}

}  // namespace mortise::config
