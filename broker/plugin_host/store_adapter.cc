#include <condition_variable>
#include <optional>
#include <string>
#include <utility>

#include "broker/base/log.h"
#include "broker/base/mutex.h"
#include "broker/plugin_host/calling.h"
#include "broker/plugin_host/family_adapters.h"
#include "broker/plugin_host/record_page.h"

namespace mortise::plugin_host {

namespace {

constexpr std::uint64_t kLoadPageBytes = 1U << 20;

/// What the store's thread waits for while the instance's own thread works.
struct Waiting {
  Mutex mutex;
  std::condition_variable_any done;
  std::optional<Result<void>> result MORTISE_GUARDED_BY(mutex);
};

/// Ends the wait when the task that holds it is gone, whether it ran or was dropped.
class Answerer {
 public:
  Answerer(std::shared_ptr<Waiting> waiting, Result<void> result)
      : waiting_(std::move(waiting)), result_(std::move(result)) {}
  ~Answerer() {
    const MutexLock lock(waiting_->mutex);
    waiting_->result = std::move(result_);
    waiting_->done.notify_one();
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  void answer(Result<void> result) { result_ = std::move(result); }

 private:
  const std::shared_ptr<Waiting> waiting_;
  Result<void> result_;
};

/// mortise.store/1: blocking calls. Unsynchronised: the store's own thread, as hooks::StoreHooks says.
class StoreAdapter final : public hooks::StoreHooks {
 public:
  StoreAdapter(std::shared_ptr<Instance> instance, StoreOptions options)
      : instance_(std::move(instance)), options_(options) {}

  std::string_view name() const noexcept override { return instance_->name(); }

  Result<void> open() override {
    const StoreOpenSubject subject{options_.level};
    return call(kStoreOpen, &subject, nullptr);
  }

  Result<void> commit(ByteView batch, std::uint64_t first_number, std::uint64_t last_number) override {
    const StoreCommitView subject{batch, first_number, last_number};
    return call(kStoreCommit, &subject, nullptr);
  }

  Result<std::uint64_t> load(std::uint64_t cursor, const Sink& sink) override {
    if (cursor == 0)
      cursor_.clear();
    else if (cursor != pages_)
      return failure("store " + instance_->name() + ": load went on from a page that is not the last one");
    const StoreLoadView subject{cursor_, kLoadPageBytes};
    RecordPage page(RecordPage::Source::kLoad, page_limit(kLoadPageBytes));
    if (auto called = call(kStoreLoad, &subject, &page); !called) return std::move(called).as_failure();
    if (!page.end()) return failure(wrong("load ended without end_of_page"));
    if (page.end()->has_more && page.end()->cursor.empty())
      return failure(wrong("load says there is more and gives no cursor"));
    page.deliver(sink);
    if (!page.end()->has_more) return std::uint64_t{0};
    cursor_ = page.end()->cursor;
    return ++pages_;
  }

  Result<void> fetch(std::uint64_t session, std::uint64_t after, std::uint32_t max_messages, std::uint64_t max_bytes,
                     const Sink& sink) override {
    const StoreFetchSubject subject{session, after, max_messages, max_bytes};
    RecordPage page(RecordPage::Source::kFetch, page_limit(max_bytes));
    if (auto called = call(kStoreFetch, &subject, &page); !called) return called;
    if (!page.end()) return failure(wrong("fetch ended without end_of_page"));
    page.deliver(sink);
    return {};
  }

 private:
  std::size_t page_limit(std::uint64_t asked) const noexcept {
    return static_cast<std::size_t>(2 * asked) + options_.largest_record_bytes + (64U << 10);
  }

  std::string wrong(const std::string& what) const { return "store " + instance_->name() + ": " + what; }

  Result<void> call(std::size_t hook, const void* object, RecordPage* page) {
    if (!instance_->is_running()) return failure(wrong("the plugin is not running"));
    OwnThread* thread = instance_->own_thread();
    // A serial instance with other hooks is called on its one thread; the store's waits meanwhile.
    if (instance_->plugin().is_concurrent || thread == nullptr)
      return call_here(hook, object, page, instance_->store_lane());
    return call_on(*thread, hook, object, page);
  }

  Result<void> call_on(OwnThread& thread, std::size_t hook, const void* object, RecordPage* page) {
    const auto waiting = std::make_shared<Waiting>();
    auto answerer = std::make_shared<Answerer>(waiting, failure(wrong("its thread takes no more work")));
    thread.post([this, hook, object, page, answerer] {
      answerer->answer(call_here(hook, object, page, instance_->own_lane()));
    });
    answerer.reset();  // the task's is the last one
    MutexLock lock(waiting->mutex);
    while (!waiting->result.has_value()) waiting->done.wait(lock);
    return std::move(*waiting->result);
  }

  Result<void> call_here(std::size_t hook, const void* object, RecordPage* page, Lane& lane) {
    std::vector<QueuedIntent> intents;
    Returned returned;
    {
      CallFrame frame(*instance_, lane, hook, object);
      frame.page = page;
      returned = call_plugin(frame, instance_->plugin().hooks[hook].function, instance_->plugin_data());
      if (returned.is_ok()) intents = std::move(frame.intents);
    }
    if (page != nullptr && page->skipped() != 0) count_skipped(hook, *page);
    if (returned.is_ok()) {
      instance_->perform(intents);
      return {};
    }
    lane.counters[hook].failures[static_cast<std::size_t>(returned.failure())].add();
    const std::string how =
        returned.has_thrown ? "threw an exception" : "answered " + std::string(abi::status_name(returned.status));
    return failure(wrong(label_of(hook) + " " + how));
  }

  void count_skipped(std::size_t hook, const RecordPage& page) {
    instance_->bad_records.fetch_add(page.skipped(), std::memory_order_relaxed);
    instance_->violated(Violations::kBadRecord, hook,
                        "skipped " + std::to_string(page.skipped()) + " record(s): " + page.first_reason(),
                        page.skipped());
  }

  const std::shared_ptr<Instance> instance_;
  const StoreOptions options_;
  std::string cursor_;       // where the next page of load begins
  std::uint64_t pages_ = 0;  // pages loaded that had another one behind them
};

}  // namespace

std::unique_ptr<hooks::StoreHooks> make_store_hooks(std::shared_ptr<Instance> instance, StoreOptions options) {
  return std::make_unique<StoreAdapter>(std::move(instance), options);
}

}  // namespace mortise::plugin_host
