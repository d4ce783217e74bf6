#include "broker/admin/live_broker.h"

#include <future>

namespace mortise::admin {

namespace {

/// A loop that runs answers within an iteration.
constexpr Seconds kLoopAnswersWithin{2};
/// Of sessions, looked at for one page; a loop is asked for a part of them at a time.
constexpr std::size_t kSlotsPerQuestion = 4096;
constexpr std::size_t kQuestionsPerPage = 64;
/// Of the retained tree, likewise.
constexpr std::size_t kNodesPerQuestion = 1024;

Failure<Error> silent(LoopIndex loop) {
  return failure("loop " + std::to_string(loop) + " does not answer within 2 s; try again a little later");
}

}  // namespace

/// Runs question(Shard&) on the loop's thread. What it captures must be its own: when the loop is late, nobody waits
/// for it any more.
template <class Question>
auto LiveBroker::ask(LoopIndex loop, Question question) -> Result<decltype(question(std::declval<core::Shard&>()))> {
  using Answer = decltype(question(std::declval<core::Shard&>()));
  auto task = std::make_shared<std::packaged_task<Answer()>>(
      [question = std::move(question), &shard = *parts_.shards[loop]]() mutable { return question(shard); });
  std::future<Answer> answer = task->get_future();
  if (!parts_.mesh.executor(loop).post([task] { (*task)(); })) return silent(loop);
  if (answer.wait_for(kLoopAnswersWithin) != std::future_status::ready) return silent(loop);
  return answer.get();
}

Result<Sample> LiveBroker::sample() {
  struct Part {
    core::ShardCounters counters;
    core::ShardHoldings holdings;
  };
  Sample sample;
  for (std::size_t loop = 0; loop < parts_.shards.size(); ++loop) {
    const auto index = static_cast<LoopIndex>(loop);
    const Result<Part> part = ask(index, [](core::Shard& shard) { return Part{shard.counters(), shard.holdings()}; });
    if (!part) return failure(part.error());
    sample.counters += part->counters;
    sample.holdings += part->holdings;
    sample.totals += parts_.loops.totals(index);
  }
  add_what_is_shared(sample);
  return sample;
}

void LiveBroker::add_what_is_shared(Sample& sample) const {
  sample.subscriptions = parts_.shared.subscriptions->size();
  sample.shared_subscriptions = parts_.shared.groups->size();
  sample.retained_messages = parts_.shared.retained->messages();
  sample.retained_bytes = parts_.shared.retained->bytes();
  sample.plugins = parts_.plugins.statistics();
  sample.memory = parts_.memory();
  sample.is_store_failing = parts_.is_store_failing();
}

std::vector<ListenerReport> LiveBroker::listeners() const {
  std::vector<ListenerReport> reports;
  for (const std::shared_ptr<net::Listener>& listener : parts_.loops.listeners())
    reports.push_back({listener->open_url(), listener->open_connections()});
  return reports;
}

// ---- Sessions -------------------------------------------------------------------------------------------------------

Result<SessionList> LiveBroker::sessions(const core::SessionQuery& query, SessionCursor from, std::size_t most) {
  SessionList list;
  PageRoom room(most);
  for (std::size_t questions = 0; from.loop < parts_.shards.size(); ++questions) {
    if (room.is_full() || questions == kQuestionsPerPage) {
      list.next = from;
      return list;
    }
    const core::PageLimits limits{room, kSlotsPerQuestion};
    Result<core::SessionPage> page = ask(from.loop, [query, limits, slot = from.slot](core::Shard& shard) {
      return shard.sessions(query, slot, limits);
    });
    if (!page) return std::move(page).as_failure();
    list.sessions.insert(list.sessions.end(), std::make_move_iterator(page->sessions.begin()),
                         std::make_move_iterator(page->sessions.end()));
    room = page->room_left;
    from.slot = page->next;
    if (page->is_last) from = {static_cast<LoopIndex>(from.loop + 1), 0};
  }
  return list;
}

Result<std::optional<core::SessionReport>> LiveBroker::session(const std::string& name_space,
                                                               const std::string& client_id) {
  return ask(core::home_loop(parts_.shared, name_space, client_id),
             [name_space, client_id](core::Shard& shard) { return shard.session(name_space, client_id); });
}

Result<std::optional<core::SubscriptionPage>> LiveBroker::subscriptions(const std::string& name_space,
                                                                        const std::string& client_id,
                                                                        const std::optional<std::string>& after,
                                                                        std::size_t most) {
  return ask(core::home_loop(parts_.shared, name_space, client_id),
             [name_space, client_id, after, most](core::Shard& shard) {
               return shard.subscriptions(name_space, client_id, after, PageRoom(most));
             });
}

Result<core::Dismissed> LiveBroker::dismiss(const std::string& name_space, const std::string& client_id,
                                            const core::Dismissal& dismissal) {
  return ask(core::home_loop(parts_.shared, name_space, client_id),
             [name_space, client_id, dismissal](core::Shard& shard) {
               return shard.dismiss(name_space, client_id, dismissal, now());
             });
}

// ---- Bans -----------------------------------------------------------------------------------------------------------

Result<void> LiveBroker::restore_bans(const std::filesystem::path& file) {
  Result<std::vector<core::Ban>> bans = read_bans(file);
  if (!bans) return std::move(bans).as_failure();
  ban_file_ = file;
  if (!bans->empty()) tell_bans(std::move(*bans));
  return {};
}

/// Whatever a loop does meanwhile, it hears of it before anything that is asked of it later.
void LiveBroker::tell_bans(std::vector<core::Ban> bans) {
  bans_ = std::make_shared<const core::BanList>(std::move(bans));
  parts_.mesh.post_to_all([&shards = parts_.shards, bans = bans_](LoopIndex loop) { shards[loop]->set_bans(bans); });
}

Result<void> LiveBroker::set_bans(std::vector<core::Ban> bans) {
  if (Result<void> written = write_bans(ban_file_, bans); !written) return written;
  tell_bans(std::move(bans));
  return {};
}

// ---- Topics ---------------------------------------------------------------------------------------------------------

Result<RetainedList> LiveBroker::retained(const std::string& filter, routing::RetainedCursor from, std::size_t most) {
  RetainedList list;
  PageRoom room(most);
  for (std::size_t questions = 0;; ++questions) {
    if (room.is_full() || questions == kQuestionsPerPage) {
      list.next = std::move(from);
      return list;
    }
    struct Page {
      std::vector<mqtt::MessagePtr> messages;
      routing::RetainedCursor next;
      bool is_last = false;
      PageRoom room_left;
    };
    Result<Page> page = ask(0, [filter, from, room, index = parts_.shared.retained](core::Shard&) {
      Page found;
      found.next = from;
      found.room_left = room;
      std::size_t nodes = kNodesPerQuestion;
      found.is_last =
          index->match(filter, found.next, nodes, wall_now(), [&](const mqtt::MessagePtr& message, std::uint64_t) {
            found.messages.push_back(message);
            found.room_left.take(message->topic().size());
            return !found.room_left.is_full();
          });
      return found;
    });
    if (!page) return std::move(page).as_failure();
    list.messages.insert(list.messages.end(), page->messages.begin(), page->messages.end());
    if (page->is_last) return list;
    room = page->room_left;
    from = std::move(page->next);
  }
}

Result<routing::LevelPage> LiveBroker::levels(Tree tree, const std::optional<std::string>& under,
                                              const std::optional<std::string>& after, std::size_t most) {
  return ask(0, [tree, under, after, most, &shared = parts_.shared](core::Shard&) {
    const routing::LevelQueryView query{under, after, PageRoom(most)};
    return tree == Tree::kRetained ? shared.retained->levels(query) : shared.subscriptions->levels(query);
  });
}

bool LiveBroker::publish(mqtt::MessagePtr message) {
  return parts_.mesh.perform("admin", hooks::PublishIntent{std::move(message)});
}

}  // namespace mortise::admin
