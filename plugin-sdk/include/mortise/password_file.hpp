#pragma once

/// The password file as a whole: read, looked up, edited, replaced atomically. See password.hpp for its lines.

#include <mortise/password.hpp>

namespace mortise::password {

/// The users of a password file, with the lines that are no users kept where they stand. Unsynchronised; const
/// functions may be called by any thread while nobody edits.
class File {
 public:
  /// Errors: nothing, and `error` is one line with `name` and the number of the line that is wrong.
  static std::optional<File> parse(std::string_view text, const std::string& name, std::string& error) {
    File file;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      std::string reason;
      if (!file.add_line(line, reason)) {
        error = name + ":" + std::to_string(file.lines_.size() + 1) + ": " + reason +
                "; write the line with `mortise passwd`";
        return std::nullopt;
      }
    }
    return file;
  }

  /// Reads the file at `path`. Errors: as parse(); and the system's when it cannot be read or is larger than 64 MiB.
  static std::optional<File> read(const std::string& path, std::string& error) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return error = path + ": cannot be opened: " + std::strerror(errno), std::nullopt;
    std::string text;
    const bool is_read = read_all(descriptor, text);
    const int reason = errno;
    close(descriptor);
    if (!is_read) return error = path + ": cannot be read: " + std::strerror(reason), std::nullopt;
    return parse(text, path, error);
  }

  /// Null when there is no such user. Lifetime: until the file is edited.
  const Verifier* find(std::string_view user) const {
    const auto found = users_.find(user);
    return found == users_.end() ? nullptr : &*lines_[found->second].verifier;
  }

  /// Adds the user, or replaces his verifier in place.
  void set(const std::string& user, Verifier verifier) {
    const auto found = users_.find(user);
    if (found != users_.end()) {
      Line& line = lines_[found->second];
      line.text = escape_user(user) + ":" + format(verifier);
      line.verifier = std::move(verifier);
      return;
    }
    users_.emplace(user, lines_.size());
    std::string text = escape_user(user) + ":" + format(verifier);
    lines_.push_back({std::move(text), std::move(verifier)});
  }

  /// False when there is no such user.
  bool erase(std::string_view user) {
    const auto found = users_.find(user);
    if (found == users_.end()) return false;
    const std::size_t gone = found->second;
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(gone));
    users_.erase(found);
    for (auto& entry : users_) entry.second -= entry.second > gone ? 1 : 0;
    return true;
  }

  std::size_t size() const { return users_.size(); }
  std::vector<std::string> users() const {
    std::vector<std::string> names;
    for (const auto& entry : users_) names.push_back(entry.first);
    return names;
  }

  /// What write() writes.
  std::string text() const {
    std::string text;
    for (const Line& line : lines_) text += line.text + "\n";
    return text;
  }

  /// Replaces the file at `path` in one step: whoever reads it sees the old one or the new one, whole. An existing file
  /// keeps its mode and, where permitted, its owner; a new one is readable by its owner only. Errors: false, and
  /// `error` says why.
  bool write(const std::string& path, std::string& error) const {
    const std::string target = resolve(path);
    std::string temporary = target + ".XXXXXX";
    const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
    if (descriptor < 0) return error = path + ": cannot be written: " + std::strerror(errno), false;
    adopt_mode(descriptor, target);
    bool done = write_all(descriptor, text()) && fsync(descriptor) == 0;
    int reason = errno;
    close(descriptor);
    if (done && rename(temporary.c_str(), target.c_str()) != 0) {
      reason = errno;
      done = false;
    }
    if (done) return sync_folder_of(target), true;
    unlink(temporary.c_str());
    error = path + ": cannot be written: " + std::strerror(reason);
    return false;
  }

 private:
  struct Line {
    std::string text;
    std::optional<Verifier> verifier;  // of a user's line
  };

  bool add_line(std::string_view line, std::string& reason) {
    if (line.empty() || line.front() == '#') {
      lines_.push_back({std::string(line), std::nullopt});
      return true;
    }
    std::string_view rest = line;
    const auto name = detail::take_until(rest, ':');
    if (!name) return reason = "no `:` after the user name", false;
    const auto user = unescape_user(*name);
    if (!user) return reason = "a % in the user name is not followed by two hexadecimal digits", false;
    auto verifier = password::parse(rest, reason);
    if (!verifier) return false;
    if (!users_.emplace(*user, lines_.size()).second) return reason = "the user stands in the file twice", false;
    lines_.push_back({std::string(line), std::move(verifier)});
    return true;
  }

  static bool read_all(int descriptor, std::string& text) {
    char buffer[16384];
    for (;;) {
      const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
      if (count == 0) return true;
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      text.append(buffer, static_cast<std::size_t>(count));
      if (text.size() > kMaximumFileSize) return errno = EFBIG, false;
    }
  }

  static bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(descriptor, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Where a symbolic link leads, so that the link stays.
  static std::string resolve(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    if (real == nullptr) return path;
    std::string resolved = real;
    std::free(real);
    return resolved;
  }

  static void adopt_mode(int descriptor, const std::string& target) {
    struct stat existing {};
    if (stat(target.c_str(), &existing) != 0) return;  // mkostemp made it 0600
    const bool is_ours = fchown(descriptor, existing.st_uid, existing.st_gid) == 0 || existing.st_uid == geteuid();
    // The mode is only as wide as before when the owner is the same: else group and others would be somebody else's.
    if (is_ours) fchmod(descriptor, existing.st_mode & 07777);
  }

  static void sync_folder_of(const std::string& target) {
    const std::size_t slash = target.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
  }

  std::vector<Line> lines_;
  std::map<std::string, std::size_t, std::less<>> users_;  // name -> its line
};

}  // namespace mortise::password
