#include <cctype>
#include <cstdint>
#include <mortise/plugin.hpp>
#include <optional>
#include <string>

#include "database.h"

namespace {

using mortise::Status;
using store_sqlite::Database;

/// Bytes as a configuration says them: "16MiB", "512KiB", "1GiB", or a plain number.
std::uint64_t bytes_of(const std::string& text) {
  std::size_t digits = 0;
  std::uint64_t number = 0;
  for (; digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0 && digits < 9; ++digits)
    number = number * 10 + static_cast<std::uint64_t>(text[digits] - '0');
  const std::string unit = text.substr(digits);
  const unsigned shift = unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : 0;
  const std::uint64_t bytes = number << shift;
  constexpr std::uint64_t kLeast = 256u << 10;
  constexpr std::uint64_t kMost = std::uint64_t{64} << 30;
  if (digits == 0 || (shift == 0 && !unit.empty()) || bytes < kLeast || bytes > kMost)
    throw mortise::ConfigView::wrong("/cache", "must be a size from 256KiB to 64GiB, as in 16MiB, not " + text);
  return bytes;
}

/// Hands a finished page to the broker.
Status emit(const mortise::RecordBlock& page, mortise::RecordSink& sink) {
  mortise::Records records(mortise::detail::text_of(page.bytes()));
  for (const mortise::RecordView record : records) {
    const Status status = sink.put_whole(record.whole());
    if (status != Status::ok) return status;
  }
  return records.status();
}

class StoreSqlite : public mortise::Plugin {
 public:
  /// Every hook reads all there is.
  static constexpr mortise::HookOptions hook_options(std::uint32_t /*hook_id*/) {
    mortise::HookOptions options;
    options.fields = MORTISE_FIELDS_ALL;
    return options;
  }

  void start(const mortise::ConfigView& config) override {
    config.only_keys("", {"path", "cache"});
    Database::Options options;
    options.path = config.resolve(config.required_text("/path"));
    if (const auto cache = config.text("/cache")) options.cache_bytes = bytes_of(*cache);
    database_.emplace(options);
  }

  Status open(const mortise::StoreOpenView& request) override {
    return telling_once([&] {
      if (is_opened_) database_->reopen();
      is_opened_ = true;
      database_->set_durability(request.level().value_or(MORTISE_DURABILITY_COMMIT));
      return Status::ok;
    });
  }

  Status commit(const mortise::StoreCommitView& request) override {
    const auto batch = request.batch().view();
    const auto first = request.first_operation();
    const auto last = request.last_operation();
    if (!batch || !first || !last) return Status::e_failed;
    return telling_once([&] {
      database_->commit(*batch, *first, *last);
      told_.clear();
      return Status::ok;
    });
  }

  Status load(const mortise::StoreLoadView& request, mortise::RecordSink& sink) override {
    mortise::RecordBlock page;
    database_->load(request.cursor().view().value, request.max_bytes().value_or(kPageBytes), page);
    return emit(page, sink);
  }

  Status fetch(const mortise::StoreFetchView& request, mortise::RecordSink& sink) override {
    const auto session = request.session();
    const auto after = request.after_position();
    const auto messages = request.max_messages();
    if (!session || !after || !messages) return Status::e_failed;
    return telling_once([&] {
      mortise::RecordBlock page;
      database_->fetch(*session, *after, *messages, request.max_bytes().value_or(kPageBytes), page);
      return emit(page, sink);
    });
  }

 private:
  /// The broker tries again every few seconds: what is thrown becomes a line of the log when it differs from the last.
  template <class Attempt>
  Status telling_once(const Attempt& attempt) {
    try {
      return attempt();
    } catch (const mortise::Error& error) {
      if (told_ == error.what()) return error.status();
      told_ = error.what();
      throw;
    }
  }

  static constexpr std::uint64_t kPageBytes = 1u << 20;
  std::optional<Database> database_;
  bool is_opened_ = false;
  std::string told_;  // of the failure that lasts; empty: the last batch was committed
};

}  // namespace

MORTISE_PLUGIN(StoreSqlite, "store-sqlite", "0.1.0")
