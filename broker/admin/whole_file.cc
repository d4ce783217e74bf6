#include "broker/admin/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "broker/net/descriptor.h"

namespace mortise::admin {

namespace {

/// A disk that is nearly full takes a part, and says why only to the next attempt.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string said(int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return std::strerror(error) + std::string(is_full ? "; free some space" : "; make its folder, or choose another");
}

}  // namespace

std::string write_whole(const std::filesystem::path& file, const std::string& aside, std::string_view text,
                        NameFile name_file) {
  ::unlink(aside.c_str());  // of a broker that was killed
  const net::Descriptor out(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return said(errno);
  const bool is_done =
      write_all(out.get(), text) && ::fsync(out.get()) == 0 && name_file(aside.c_str(), file.c_str()) == 0;
  const int error = errno;
  ::unlink(aside.c_str());
  return is_done ? std::string() : said(error);
}

}  // namespace mortise::admin
