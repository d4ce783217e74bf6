#pragma once

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/hooks/instances.h"
#include "broker/storage/record_buffer.h"
#include "broker/storage/record_view.h"
#include "tests/unit/storage/memory_tables.h"

namespace mortise::storage::testing {

/// A store plugin in memory: applies batches as the ABI says, can be told to fail, to wait, and to lie. Internally
/// synchronised.
class MemoryStore final : public hooks::StoreHooks, public MemoryTables {
 public:
  struct Commit {
    std::uint64_t first = 0, last = 0;
    std::vector<std::string> records;
  };

  std::string_view name() const noexcept override { return "memory"; }
  Result<void> open() override {
    const std::lock_guard lock(mutex_);
    ++opened;
    thread = std::this_thread::get_id();
    if (refuses_to_open) return failure("memory: cannot be opened: give it another chance");
    return {};
  }

  Result<void> commit(ByteView batch, std::uint64_t first, std::uint64_t last) override {
    std::unique_lock lock(mutex_);
    ++attempts;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_held; });
    if (thread != std::this_thread::get_id()) return failure("called on another thread");
    if (failures_left > 0) {
      --failures_left;
      return failure("no space is left");
    }
    Commit done{first, last, {}};
    RecordsView records(batch);
    while (const auto record = records.next()) {
      const auto view = RecordView::parse(*record);
      if (!view) return failure(view.error().message);
      if (view->header().number > last_number) apply(*view);
      done.records.push_back(copy_of(*record));
    }
    if (records.is_damaged()) return failure("damaged batch");
    last_number = last;
    commits.push_back(std::move(done));
    changed_.notify_all();
    return {};
  }

  Result<std::uint64_t> load(std::uint64_t cursor, const Sink& sink) override {
    const std::lock_guard lock(mutex_);
    if (fails_to_load) return failure("memory: damaged: restore a copy");
    std::vector<std::string> all = everything();
    std::size_t at = cursor;
    for (; at < all.size() && at < cursor + page_size; ++at) {
      if (!sink(as_bytes(all[at]))) return 0;
    }
    return at < all.size() ? at : 0;
  }

  Result<void> fetch(std::uint64_t session, std::uint64_t after, std::uint32_t max_messages, std::uint64_t,
                     const Sink& sink) override {
    const std::lock_guard lock(mutex_);
    ++fetched;
    if (fails_to_fetch) return failure("memory: damaged");
    std::uint32_t sent = 0;
    bool has_more = false;
    for (const auto& [position, entry] : queues[session]) {
      if (position <= after) continue;
      has_more = sent == max_messages;
      if (has_more) break;
      if (!sink(as_bytes(messages[entry.message].record)) || !sink(as_bytes(entry.record))) return {};
      ++sent;
    }
    if (!says_end_of_page) return {};
    RecordBuffer end;
    hooks::EndOfPageRecord fixed{};
    fixed.more = has_more ? 1 : 0;
    end.append(fixed, {ByteView()});
    sink(end.view());
    return {};
  }

  /// Waits until `condition` holds; false after ten seconds.
  template <class Condition>
  bool wait_for(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }
  void hold() { set(is_held, true); }
  void release() { set(is_held, false); }
  template <class Value>
  void set(Value& value, Value to) {
    const std::lock_guard lock(mutex_);
    value = to;
    changed_.notify_all();
  }
  template <class Value>
  Value get(const Value& value) {
    const std::lock_guard lock(mutex_);
    return value;
  }

  std::vector<Commit> commits;
  std::uint64_t attempts = 0, opened = 0, fetched = 0;
  std::uint64_t failures_left = 0;
  std::size_t page_size = 7;
  bool refuses_to_open = false, fails_to_load = false, fails_to_fetch = false, is_held = false, says_end_of_page = true;
  std::thread::id thread;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace mortise::storage::testing
