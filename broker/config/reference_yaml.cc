#include <string_view>
#include <vector>

#include "broker/config/keys.h"
#include "broker/config/nearest.h"
#include "broker/config/reference.h"

namespace mortise::config {

namespace {

constexpr std::size_t kColumns = 110;

/// Writes nested keys with their comments; groups are opened as the paths of the keys ask for them.
class ReferenceWriter {
 public:
  void title(const std::string& text) { out_ += "# " + text + "\n"; }

  template <class Target>
  void rows(const Target& defaults, const std::string& prefix, std::size_t indent) {
    base_ = indent;
    for (const Row<Target>& row : rows_of<Target>()) {
      if (row.key.kind == ValueKind::kNotYet) continue;
      const std::string path = row.key.path;
      open_groups(path, prefix);
      comment(row.key.doc + allowed_note(row.key) + (row.key.is_live ? " *" : ""), groups_.size());
      line(row.key, row.get(defaults), path.substr(path.rfind('.') + 1));
    }
    groups_.clear();
  }

  /// The next key begins an entry of a list: "- key: value".
  void begin_entry() { dash_ = true; }
  /// Everything that follows is commented out.
  void comment_out(bool on) { lead_ = on ? "# " : ""; }
  void section(const std::string& path, const std::string& text) {
    out_ += "\n";
    for (const Section& section : sections()) {
      if (path == section.path) wrapped(section.doc, "");
    }
    out_ += text;
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string allowed_note(const Key& key) {
    switch (key.kind) {
      case ValueKind::kCount:
      case ValueKind::kSize:
      case ValueKind::kDuration:
        return " (" + allowed_range(key) + ")";
      case ValueKind::kChoice:
        return " (" + joined(split_choices(key.choices)) + ")";
      default:
        return "";
    }
  }

  std::string padding(std::size_t depth) const { return lead_ + std::string(2 * (base_ + depth), ' '); }

  void open_groups(const std::string& path, const std::string& prefix) {
    std::vector<std::string> wanted;
    for (std::size_t at = path.find('.'); at != std::string::npos; at = path.find('.', at + 1)) {
      const std::size_t from = path.rfind('.', at - 1);
      wanted.push_back(
          path.substr(from == std::string::npos ? 0 : from + 1, at - (from == std::string::npos ? 0 : from + 1)));
    }
    std::size_t same = 0;
    while (same < groups_.size() && same < wanted.size() && groups_[same] == wanted[same]) ++same;
    groups_.resize(same);
    if (wanted.empty() && base_ == 0) out_ += "\n";
    for (; same < wanted.size(); ++same) {
      std::string group = prefix;
      for (std::size_t i = 0; i <= same; ++i) group += (i == 0 ? "" : ".") + wanted[i];
      if (base_ == 0 && same == 0) out_ += "\n";
      for (const Section& section : sections()) {
        if (group == section.path) comment(section.doc, same);
      }
      out_ += padding(same) + wanted[same] + ":\n";
      groups_.push_back(wanted[same]);
    }
  }

  void comment(const std::string& text, std::size_t depth) {
    // The first comment of a list's entry stands before its dash.
    wrapped(text, dash_ ? padding(depth).substr(0, padding(depth).size() - 2) : padding(depth));
  }

  void wrapped(std::string_view text, const std::string& pad) {
    while (!text.empty()) {
      std::size_t end = text.size();
      if (pad.size() + 2 + end > kColumns) end = text.rfind(' ', kColumns - pad.size() - 2);
      out_ += pad + "# " + std::string(text.substr(0, end)) + "\n";
      text.remove_prefix(end == text.size() ? end : end + 1);
    }
  }

  void line(const Key& key, const Value& value, const std::string& name) {
    std::string pad = padding(groups_.size());
    if (dash_) pad.replace(pad.size() - 2, 2, "- ");
    dash_ = false;
    const std::string text = key.is_required ? "" : render(key, value);
    if (!text.empty() && key.kind != ValueKind::kAnything) {
      out_ += pad + name + ": " + text + "\n";
    } else if (key.is_required) {
      out_ += pad + name + ": " + key.example + "\n";
    } else {
      out_ += (lead_.empty() ? pad + "# " : pad) + name + ": " + key.example + "\n";
    }
  }

  std::string out_;
  std::string lead_;
  std::size_t base_ = 0;
  bool dash_ = false;
  std::vector<std::string> groups_;  // that are open
};

}  // namespace

std::string reference_yaml() {
  ReferenceWriter writer;
  writer.title(
      "Every setting of Mortise with its default: this file says the same as an empty mapping. Write down only what "
      "differs.");
  writer.title("`mortise check FILE` names what is wrong in a file. Units are written out: B KiB MiB GiB, ms s m h d.");
  writer.title(
      "A reload (`mortise ctl reload`, or SIGHUP) applies what is marked with *, and adds and removes listeners and "
      "plugins;");
  writer.title("the rest needs a restart.");
  writer.title(
      "Relative paths are relative to the file. Made from the table of keys in broker/config; a test compares them.");
  writer.rows(Settings{}, "", 0);
  writer.section(kListenersPath, std::string(kListenersPath) + ":\n");
  writer.begin_entry();
  writer.rows(ListenerSettings{}, "listeners[].", 2);
  writer.section(kPluginsPath, std::string(kPluginsPath) + ": []\n");
  writer.comment_out(true);
  writer.begin_entry();
  writer.rows(PluginSettings{}, "plugins[].", 1);
  return writer.take();
}

}  // namespace mortise::config
