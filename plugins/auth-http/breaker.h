#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "answer.h"

namespace auth_http {

/// Fails fast while an endpoint does not work: after some failures in a row nobody is asked for a while, then one
/// request tries. Internally synchronised.
class Breaker {
 public:
  Breaker(std::uint32_t failures, std::chrono::milliseconds pause) : most_(failures), pause_(pause) {}

  /// Whether to ask at all.
  bool lets_pass(std::uint64_t now_ms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (failures_ < most_) return true;
    if (now_ms < opens_again_ms_) return false;
    opens_again_ms_ = now_ms + static_cast<std::uint64_t>(pause_.count());  // the one that tries
    return true;
  }
  void succeeded() {
    const std::lock_guard<std::mutex> lock(mutex_);
    failures_ = 0;
  }
  /// True: from now on it is not asked.
  bool failed(std::uint64_t now_ms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    opens_again_ms_ = now_ms + static_cast<std::uint64_t>(pause_.count());
    if (failures_ < most_) ++failures_;
    return failures_ == most_;
  }

 private:
  const std::uint32_t most_;
  const std::chrono::milliseconds pause_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::uint32_t failures_ = 0;  // in a row
  std::uint64_t opens_again_ms_ = 0;
};

/// Answers that may be given again, by a digest of what was asked; the one that was not used for longest goes first.
/// Internally synchronised.
class Cache {
 public:
  explicit Cache(std::size_t capacity) : capacity_(capacity) {}

  std::optional<Answer> find(const std::string& key, std::uint64_t now_ms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    if (found->second->until_ms <= now_ms) {
      entries_.erase(found->second);
      by_key_.erase(found);
      return std::nullopt;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->answer;
  }
  void put(const std::string& key, const Answer& answer, std::uint64_t until_ms) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      entries_.erase(found->second);
      by_key_.erase(found);
    }
    if (capacity_ == 0) return;
    if (entries_.size() == capacity_) {
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, answer, until_ms});
    by_key_.emplace(key, entries_.begin());
  }
  std::size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string key;
    Answer answer;
    std::uint64_t until_ms;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace auth_http
