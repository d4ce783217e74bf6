#include "key_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace auth_jwt {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kUnknownKeyEvery{1000};

/// A file that is open, or not.
class File {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return descriptor_ >= 0; }
  bool status(struct stat& out) const { return fstat(descriptor_, &out) == 0; }
  /// False: it is longer than `most`, or cannot be read.
  bool read_all(std::string& out, std::size_t most) const {
    std::array<char, 16384> piece{};
    for (;;) {
      const ssize_t got = read(descriptor_, piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      if (got == 0) break;
      out.append(piece.data(), static_cast<std::size_t>(got));
      if (out.size() > most) return false;
    }
    explicit_bzero(piece.data(), piece.size());  // the file may hold secrets
    return true;
  }

 private:
  const int descriptor_;
};

}  // namespace

bool KeyStore::Stamp::operator==(const Stamp& other) const {
  return device == other.device && inode == other.inode && size == other.size &&
         changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

KeyStore::KeyStore(KeySet fixed, std::string jwks, milliseconds check_every, Say warn)
    : fixed_(std::move(fixed)), jwks_(std::move(jwks)), check_every_(check_every), warn_(std::move(warn)) {
  looked_at_ms_ = 0;
  std::string error;
  current_ = jwks_.empty() ? std::make_shared<const KeySet>(fixed_) : read(stamp_, error);
  if (!current_) throw mortise::Error(error);
}

std::shared_ptr<const KeySet> KeyStore::read(Stamp& stamp, std::string& error) const {
  const File file(jwks_);
  struct stat status {};
  if (!file.is_open() || !file.status(status)) {
    error = jwks_ + ": cannot be opened: " + std::strerror(errno);
    stamp = {};
    return nullptr;
  }
  stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
  std::string text;
  if (!S_ISREG(status.st_mode) || !file.read_all(text, kMaximumKeyFile)) {
    error = jwks_ + ": is no file of at most 256 KiB";
    return nullptr;
  }
  std::size_t left_out = 0;
  const auto keys = KeySet::parse_jwks(text, error, left_out);
  explicit_bzero(text.data(), text.size());
  if (!keys) {
    error = jwks_ + ": " + error;
    return nullptr;
  }
  auto all = std::make_shared<KeySet>(fixed_);
  all->add_all(*keys);
  return all;
}

std::shared_ptr<const KeySet> KeyStore::current(std::uint64_t now_ms) { return looked(now_ms, check_every_); }

std::shared_ptr<const KeySet> KeyStore::renewed(std::uint64_t now_ms) { return looked(now_ms, kUnknownKeyEvery); }

std::shared_ptr<const KeySet> KeyStore::looked(std::uint64_t now_ms, milliseconds at_most_every) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto every = static_cast<std::uint64_t>(at_most_every.count());
  if (jwks_.empty() || (looked_at_ms_ != 0 && now_ms - looked_at_ms_ < every)) return current_;
  looked_at_ms_ = now_ms;
  struct stat status {};
  Stamp stamp;
  if (stat(jwks_.c_str(), &status) == 0) stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
  if (stamp == stamp_) return current_;
  std::string error;
  if (auto keys = read(stamp_, error))
    current_ = std::move(keys);
  else
    warn_(error + "; the keys from before stay in force");
  return current_;
}

}  // namespace auth_jwt
