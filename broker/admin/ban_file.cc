#include "broker/admin/ban_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "broker/admin/fields.h"
#include "broker/admin/reports.h"
#include "broker/admin/whole_file.h"
#include "broker/base/bytes.h"

namespace mortise::admin {

namespace {

constexpr std::size_t kLargest = 64u << 20;

Failure<Error> wrong(const std::filesystem::path& file, const std::string& what) {
  return failure("the bans in " + quoted(file.string()) + " " + what);
}

std::optional<core::Ban> ban_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  Fields fields(json, "");
  core::Ban ban;
  const std::string kind = fields.required_text("kind");
  ban.what = fields.required_text("what");
  ban.reason = fields.text("reason").value_or("");
  const auto until = fields.number("until_ms", 0, ~std::uint64_t{0} >> 1);
  if (until) ban.until = WallTime(Millis(static_cast<Millis::rep>(*until)));
  if (!fields.wrong().empty()) return std::nullopt;
  const auto known = kind_of(kind);
  if (!known) return std::nullopt;
  ban.kind = *known;
  const bool is_address = ban.kind != core::BanKind::kPeerAddress || IpNetwork::parse(ban.what);
  return is_address ? std::optional(ban) : std::nullopt;
}

}  // namespace

Result<std::vector<core::Ban>> read_bans(const std::filesystem::path& file) {
  std::vector<core::Ban> bans;
  std::ifstream in(file, std::ios::binary);
  if (!in && errno == ENOENT) return bans;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (!in || error) return wrong(file, std::string("cannot be read: ") + std::strerror(errno));
  if (size > kLargest) return wrong(file, "are more than this broker ever writes; move the file away");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_array() || parsed.size() > core::BanList::kMost)
    return wrong(file, "are no list that this broker wrote; mend the file, or move it away to ban nobody");
  for (const Json& one : parsed) {
    const auto ban = ban_of(one);
    if (!ban)
      return wrong(file, "hold one that this broker did not write: " +
                             quoted(one.dump(-1, ' ', true, Json::error_handler_t::replace), 128) +
                             "; mend the file, or move it away to ban nobody");
    bans.push_back(*ban);
  }
  return bans;
}

Result<void> write_bans(const std::filesystem::path& file, const std::vector<core::Ban>& bans) {
  Json list = Json::array();
  for (const core::Ban& ban : bans) {
    Json one = {{"kind", kind_name(ban.kind)}, {"what", ban.what}, {"reason", ban.reason}};
    if (ban.until != kNeverWall) one["until_ms"] = ban.until.time_since_epoch().count();
    list.push_back(std::move(one));
  }
  const std::string text = list.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (text.size() > kLargest) return wrong(file, "would be more than this broker reads again; ban a network instead");
  const std::string why = write_whole(file, file.string() + ".new", text, std::rename);
  return why.empty() ? Result<void>() : wrong(file, "cannot be written: " + why);
}

}  // namespace mortise::admin
