#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "broker/storage/records.h"
#include "broker/storage/service.h"
#include "tests/unit/storage/memory_store.h"
#include "tests/unit/storage/storage_fixtures.h"

namespace mortise::storage {
namespace {

using testing::entry;
using testing::Found;
using testing::Heard;
using testing::MemoryStore;
using testing::message;
using testing::options;

/// A piece some loop still has to make, and the loops it then passes the message on to.
struct Mail {
  std::uint64_t group = 0;
  mqtt::MessagePtr message;
  std::vector<std::size_t> pass_on;
};

/// Loops that publish to each other as the broker's do: hand over to the store first, then send mail.
class Loops {
 public:
  Loops(Service& service, std::size_t loops) : service_(service), mailboxes_(loops), positions_(loops, 0) {}

  void run(std::size_t loop, int publishes) {
    std::mt19937 random(static_cast<std::uint32_t>(loop + 1));
    std::vector<std::pair<std::size_t, Mail>> outgoing;
    while (publishes > 0 || !is_quiet()) {
      for (Mail& mail : take_mail(loop)) {
        piece(loop, mail.group, mail.message, static_cast<std::uint32_t>(mail.pass_on.size()));
        for (const std::size_t to : mail.pass_on) outgoing.push_back({to, {mail.group, mail.message, {}}});
        left_ -= 1;
      }
      for (int i = 0; i < 3 && publishes > 0 && service_.lane(static_cast<LoopIndex>(loop)).has_credit(); ++i) {
        publish(loop, random, outgoing);
        if (--publishes == 0) publishers_left_ -= 1;
      }
      service_.lane(static_cast<LoopIndex>(loop)).flush();
      send(outgoing);
      std::this_thread::yield();
    }
  }
  std::atomic<int> publishers_left_{0};
  std::atomic<std::uint64_t> published{0};

 private:
  struct Mailbox {
    std::mutex mutex;
    std::deque<Mail> mail;
  };
  bool is_quiet() const { return publishers_left_ == 0 && left_ == 0; }

  void publish(std::size_t loop, std::mt19937& random, std::vector<std::pair<std::size_t, Mail>>& outgoing) {
    const std::size_t direct = random() % mailboxes_.size();
    std::uint64_t pieces = 1 + direct;
    const std::uint64_t group = service_.lane(static_cast<LoopIndex>(loop)).new_group();
    std::vector<Mail> mails(direct);
    for (Mail& mail : mails) {
      if (random() % 3 == 0) mail.pass_on.push_back(random() % mailboxes_.size());
      pieces += mail.pass_on.size();
    }
    const auto m =
        message("g/" + std::to_string(loop) + "/" + std::to_string(++made_[loop]) + "/" + std::to_string(pieces));
    left_ += static_cast<std::int64_t>(pieces - 1);
    piece(loop, group, m, static_cast<std::uint32_t>(1 + direct));
    for (Mail& mail : mails) {
      mail.group = group;
      mail.message = m;
      outgoing.emplace_back(random() % mailboxes_.size(), std::move(mail));
    }
    ++published;
  }

  void piece(std::size_t loop, std::uint64_t group, const mqtt::MessagePtr& m, std::uint32_t announces) {
    Lane& lane = service_.lane(static_cast<LoopIndex>(loop));
    lane.begin_piece(group, announces);
    lane.queue_put(loop + 1, entry(++positions_[loop], m));
    lane.end_piece();
  }

  std::deque<Mail> take_mail(std::size_t loop) {
    const std::lock_guard lock(mailboxes_[loop].mutex);
    return std::exchange(mailboxes_[loop].mail, {});
  }

  void send(std::vector<std::pair<std::size_t, Mail>>& outgoing) {
    for (auto& [to, mail] : outgoing) {
      const std::lock_guard lock(mailboxes_[to].mutex);
      mailboxes_[to].mail.push_back(std::move(mail));
    }
    outgoing.clear();
  }

  Service& service_;
  std::deque<Mailbox> mailboxes_;
  std::vector<std::uint64_t> positions_;
  std::array<std::uint64_t, 8> made_{};
  std::atomic<std::int64_t> left_{0};
};

/// Fails when a commit holds a part of a group: the last level of a message's topic says how many entries belong to it.
void expect_whole_groups(const MemoryStore& store, std::uint64_t published) {
  std::uint64_t groups = 0;
  std::uint64_t next = 1;
  for (const MemoryStore::Commit& commit : store.commits) {
    EXPECT_EQ(commit.first, next);
    next = commit.last + 1;
    for (const std::string& bytes : commit.records) {
      const auto record = RecordView::parse(as_bytes(bytes));
      if (record->kind() != RecordKind::kMessagePut) continue;
      ++groups;
      const auto put = record->as<hooks::MessagePutRecord>();
      const std::string topic(as_text(record->range(put.topic)));
      ASSERT_EQ(std::to_string(put.refs), topic.substr(topic.rfind('/') + 1)) << topic;
    }
  }
  EXPECT_EQ(groups, published);
}

TEST(ServiceThreads, NoGroupIsSplitBetweenCommitsWhateverTheTiming) {
  constexpr std::size_t kLoops = 4;
  constexpr int kPublishes = 1500;
  MemoryStore store;
  Heard heard;
  Found found;
  auto some = options(kLoops);
  some.credit_bytes = 64u << 10;
  Service service(store, heard, some);
  ASSERT_TRUE(service.start(found));
  Loops loops(service, kLoops);
  loops.publishers_left_ = kLoops;
  std::vector<std::thread> threads;
  for (std::size_t loop = 0; loop < kLoops; ++loop) threads.emplace_back([&, loop] { loops.run(loop, kPublishes); });
  store.set(store.failures_left, std::uint64_t{3});
  for (std::thread& thread : threads) thread.join();
  for (LoopIndex loop = 0; loop < kLoops; ++loop)
    ASSERT_TRUE(heard.wait_for_position(loop, service.lane(loop).position()));
  service.stop();
  expect_whole_groups(store, loops.published);
}

}  // namespace
}  // namespace mortise::storage
