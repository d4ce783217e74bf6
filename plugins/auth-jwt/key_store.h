#pragma once

#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "keys.h"

namespace auth_jwt {

/// The keys in force: those of the configuration, and those of a JWKS file, which is looked at again at most every so
/// often and read again when it changed. A file that cannot be used leaves the keys as they are, and is named once.
/// Internally synchronised.
class KeyStore {
 public:
  using Say = std::function<void(const std::string& line)>;

  /// `jwks`: the file's path; empty: there is none. Errors: throws mortise::Error with a line for the operator.
  KeyStore(KeySet fixed, std::string jwks, std::chrono::milliseconds check_every, Say warn);

  /// `now_ms`: of a clock that never jumps. Cost: a stat() when a look is due, and reading the file when it changed.
  std::shared_ptr<const KeySet> current(std::uint64_t now_ms);
  /// The same for a token whose kid is not known: its key may be new. The file is looked at once a second at most.
  std::shared_ptr<const KeySet> renewed(std::uint64_t now_ms);

 private:
  /// What tells one state of the file from another.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Stamp& other) const;
  };

  std::shared_ptr<const KeySet> looked(std::uint64_t now_ms, std::chrono::milliseconds at_most_every);
  /// The keys with those of the file. Errors: null, and `error` is a line with file and remedy.
  std::shared_ptr<const KeySet> read(Stamp& stamp, std::string& error) const;

  const KeySet fixed_;
  const std::string jwks_;
  const std::chrono::milliseconds check_every_;
  const Say warn_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const KeySet> current_;
  Stamp stamp_;
  std::uint64_t looked_at_ms_ = 0;
};

}  // namespace auth_jwt
