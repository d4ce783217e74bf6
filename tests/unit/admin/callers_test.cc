#include "broker/admin/callers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <vector>

#include "broker/net/descriptor.h"

namespace mortise::admin {
namespace {

class CallersTest : public ::testing::Test {
 protected:
  struct Connection {
    net::Descriptor ours, theirs;
    Caller* caller = nullptr;

    bool is_sent_away() const {
      pollfd polled{theirs.get(), POLLIN, 0};
      return ::poll(&polled, 1, 0) == 1 && (polled.revents & (POLLIN | POLLHUP)) != 0;
    }
  };
  Connection& arrive() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    Connection& one = *connections_.emplace_back(std::make_unique<Connection>());
    one.ours = net::Descriptor(ends[0]);
    one.theirs = net::Descriptor(ends[1]);
    one.caller = callers_.arrived(one.ours.get());
    return one;
  }

  Callers callers_{2};
  std::vector<std::unique_ptr<Connection>> connections_;
};

TEST_F(CallersTest, TheStrangerWhoIsThereTheLongestMakesRoom) {
  Connection& known = arrive();
  callers_.showed_token(*known.caller);
  Connection& stranger = arrive();
  EXPECT_FALSE(stranger.is_sent_away());
  Connection& next = arrive();
  EXPECT_TRUE(stranger.is_sent_away());
  EXPECT_FALSE(known.is_sent_away());
  EXPECT_FALSE(next.is_sent_away());
  EXPECT_EQ(callers_.size(), 3U) << "it is there until it has left";
  Connection& after = arrive();
  EXPECT_TRUE(next.is_sent_away()) << "who is on his way out makes no room again";
  EXPECT_FALSE(after.is_sent_away());
}

TEST_F(CallersTest, WhoComesWhenAllHaveShownTheTokenIsSentAway) {
  Connection& first = arrive();
  Connection& second = arrive();
  callers_.showed_token(*first.caller);
  callers_.showed_token(*second.caller);
  EXPECT_TRUE(arrive().is_sent_away());
  EXPECT_FALSE(first.is_sent_away());
  callers_.left(*first.caller);
  EXPECT_FALSE(arrive().is_sent_away());
}

TEST_F(CallersTest, WhoWaitsForAnAnswerGetsItAndWhoWasSentAwayAsksNoMore) {
  Connection& asking = arrive();
  ASSERT_TRUE(callers_.begin_request(*asking.caller));
  Connection& silent = arrive();
  arrive();
  EXPECT_FALSE(asking.is_sent_away());
  EXPECT_TRUE(silent.is_sent_away());
  EXPECT_FALSE(callers_.begin_request(*silent.caller));
  callers_.send_strangers_away();
  EXPECT_FALSE(asking.is_sent_away());
  callers_.end_request(*asking.caller);
  callers_.send_strangers_away();
  EXPECT_TRUE(asking.is_sent_away());
}

TEST_F(CallersTest, AllStrangersAreSentAwayAtOnceAndTheirPlacesAreFree) {
  Connection& known = arrive();
  callers_.showed_token(*known.caller);
  Connection& stranger = arrive();
  callers_.send_strangers_away();
  EXPECT_TRUE(stranger.is_sent_away());
  EXPECT_FALSE(known.is_sent_away());
  Connection& next = arrive();
  EXPECT_FALSE(next.is_sent_away());
  for (Connection* one : {&known, &stranger, &next}) callers_.left(*one->caller);
  EXPECT_EQ(callers_.size(), 0U);
}

}  // namespace
}  // namespace mortise::admin
