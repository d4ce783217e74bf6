#include "broker/admin/token.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "broker/admin/whole_file.h"
#include "broker/base/bytes.h"
#include "broker/base/random.h"
#include "broker/net/descriptor.h"

namespace mortise::admin {

namespace {

constexpr std::size_t kShortest = 16, kLongest = 1024;

Failure<Error> wrong(const std::filesystem::path& file, const std::string& what) {
  return failure("admin.token_file " + quoted(file.string()) + " " + what);
}

std::string make_token() {
  std::array<std::uint8_t, 32> bytes{};
  random_bytes(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}

Result<std::string> make(const std::filesystem::path& file) {
  // Linked: no file of another is overwritten.
  const std::string aside = file.string() + ".new-" + std::to_string(::getpid());
  const std::string token = make_token();
  const std::string why = write_whole(file, aside, token + "\n", ::link);
  if (!why.empty()) return wrong(file, "cannot be made: " + why);
  return token;
}

}  // namespace

Result<std::string> read_token(const std::filesystem::path& file) {
  const net::Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return wrong(file, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat found {};
  if (::fstat(in.get(), &found) != 0 || !S_ISREG(found.st_mode)) return wrong(file, "is no file");
  if ((found.st_mode & 077) != 0) return wrong(file, "can be read by others; make it their owner's alone (chmod 600)");
  std::string text(kLongest + 2, '\0');
  const ssize_t size = ::read(in.get(), text.data(), text.size());
  if (size < 0) return wrong(file, std::string("cannot be read: ") + std::strerror(errno));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  const bool is_visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
  if (text.size() < kShortest || text.size() > kLongest || !is_visible)
    return wrong(file, "holds no token; allowed: 16 to 1024 visible ASCII characters, or no file, so that one is made");
  return text;
}

Result<std::string> read_or_make_token(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) return read_token(file);
  return make(file);
}

bool is_same_token(const std::string& token, std::string_view given) noexcept {
  return token.size() == given.size() && sodium_memcmp(token.data(), given.data(), token.size()) == 0;
}

}  // namespace mortise::admin
