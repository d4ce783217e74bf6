#pragma once

/// Text of a configuration in which placeholders (%c, %u, ...) stand for what a client has. Values are put in as they
/// are: what may stand where is the caller's to check, value by value. Thread: any.

#include <mortise/text.hpp>
#include <optional>
#include <vector>

MORTISE_SDK_BEGIN

/// A text taken apart once and filled often. Immutable.
class TextTemplate {
 public:
  TextTemplate() = default;
  /// `names`: what may stand behind a percent sign; of several that fit the longest is meant. %% is a percent sign.
  /// Errors: throws Error that says which placeholders there are.
  TextTemplate(std::string_view text, const std::vector<std::string>& names) {
    std::string literal;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        literal += text[i];
      } else if (text.substr(i + 1, 1) == "%") {
        literal += text[++i];
      } else {
        const std::size_t name = longest(text.substr(i + 1), names);
        if (name == names.size()) throw Error("unknown placeholder in " + quoted(text) + "; known are " + list(names));
        pieces_.push_back({std::move(literal), name});
        literal.clear();
        i += names[name].size();
      }
    }
    rest_ = std::move(literal);
  }

  bool has_placeholder() const { return !pieces_.empty(); }
  /// True if the placeholder with this index of `names` stands in it.
  bool has_placeholder(std::size_t name) const {
    for (const Piece& piece : pieces_) {
      if (piece.name == name) return true;
    }
    return false;
  }
  /// Appends the text to `out`, each placeholder by `put(index of its name, out)`, which says whether there is such a
  /// value and it may stand there. False, and `out` as far as it came, when one says no.
  template <class Put>
  bool fill(std::string& out, const Put& put) const {
    for (const Piece& piece : pieces_) {
      out += piece.literal;
      if (!put(piece.name, out)) return false;
    }
    out += rest_;
    return true;
  }
  /// The text with `stand_in` for each placeholder.
  std::string sample(std::string_view stand_in = "x") const {
    std::string text;
    (void)fill(text, [stand_in](std::size_t, std::string& out) { return out += stand_in, true; });
    return text;
  }

 private:
  struct Piece {
    std::string literal;  // before the placeholder
    std::size_t name;
  };

  static std::size_t longest(std::string_view text, const std::vector<std::string>& names) {
    std::size_t found = names.size();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool fits = text.substr(0, names[i].size()) == names[i];
      if (fits && (found == names.size() || names[i].size() > names[found].size())) found = i;
    }
    return found;
  }
  static std::string list(const std::vector<std::string>& names) {
    std::string all;
    for (const std::string& name : names) all += "%" + name + ", ";
    return all + "%% for a percent sign";
  }

  std::vector<Piece> pieces_;
  std::string rest_;
};

MORTISE_SDK_END
