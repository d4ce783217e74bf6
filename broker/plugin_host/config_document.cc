#include "broker/plugin_host/config_document.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace mortise::plugin_host {

// In the file's order: config_key promises it.
struct ConfigDocument::Node {
  nlohmann::ordered_json value;
};

namespace {

using Json = nlohmann::ordered_json;

/// One reference token with ~1 and ~0 undone; false when it is not well formed.
bool unescape(std::string_view token, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return false;
    out += token[i] == '0' ? '~' : '/';
  }
  return true;
}

/// The entry of a sequence that a token names; null when there is none.
const Json* entry_of(const Json& sequence, std::string_view token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool is_index = error == std::errc() && end == token.data() + token.size() && !token.empty() &&
                        (token.size() == 1 || token.front() != '0');
  return is_index && index < sequence.size() ? &sequence[index] : nullptr;
}

std::uint32_t walk(const Json& root, std::string_view pointer, const Json*& found) {
  found = &root;
  if (pointer.empty()) return MORTISE_OK;
  if (pointer.front() != '/') return MORTISE_E_INVALID;
  std::string token;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t slash = pointer.find('/');
    if (!unescape(pointer.substr(0, slash), token)) return MORTISE_E_INVALID;
    pointer.remove_prefix(slash == std::string_view::npos ? pointer.size() : slash);
    if (found == nullptr) continue;  // absent already; the rest must still be well formed
    if (found->is_object()) {
      const auto at = found->find(token);
      found = at == found->end() ? nullptr : &*at;
    } else {
      found = found->is_array() ? entry_of(*found, token) : nullptr;
    }
  }
  return found == nullptr ? MORTISE_E_ABSENT : MORTISE_OK;
}

}  // namespace

ConfigDocument::ConfigDocument(std::unique_ptr<Node> root) : root_(std::move(root)) {}
ConfigDocument::~ConfigDocument() = default;

Result<std::unique_ptr<ConfigDocument>> ConfigDocument::parse(const std::string& json) {
  auto node = std::make_unique<Node>();
  node->value = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (node->value.is_discarded()) return failure("its config: block is not valid JSON");
  return std::unique_ptr<ConfigDocument>(new ConfigDocument(std::move(node)));
}

std::uint32_t ConfigDocument::get(std::string_view pointer, std::string& out) const {
  const Json* found = nullptr;
  if (const std::uint32_t status = walk(root_->value, pointer, found); status != MORTISE_OK) return status;
  if (found->is_null()) return MORTISE_E_ABSENT;
  if (found->is_structured()) return MORTISE_E_WRONG_TYPE;
  out = found->is_string() ? found->get_ref<const std::string&>()
                           : found->dump(-1, ' ', false, Json::error_handler_t::replace);
  return MORTISE_OK;
}

std::uint32_t ConfigDocument::count(std::string_view pointer, std::uint64_t& out) const {
  const Json* found = nullptr;
  if (const std::uint32_t status = walk(root_->value, pointer, found); status != MORTISE_OK) return status;
  if (found->is_null()) return MORTISE_E_ABSENT;
  if (!found->is_structured()) return MORTISE_E_WRONG_TYPE;
  out = found->size();
  return MORTISE_OK;
}

std::uint32_t ConfigDocument::key(std::string_view pointer, std::uint64_t index, std::string& out) const {
  const Json* found = nullptr;
  if (const std::uint32_t status = walk(root_->value, pointer, found); status != MORTISE_OK) return status;
  if (found->is_null()) return MORTISE_E_ABSENT;
  if (!found->is_object()) return MORTISE_E_WRONG_TYPE;
  if (index >= found->size()) return MORTISE_E_RANGE;
  out = std::next(found->begin(), static_cast<std::ptrdiff_t>(index)).key();
  return MORTISE_OK;
}

}  // namespace mortise::plugin_host
