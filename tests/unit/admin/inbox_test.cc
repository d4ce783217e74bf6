#include "broker/admin/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace mortise::admin {
namespace {

using testing::HasSubstr;

Request asking(const std::string& what) {
  Request request;
  request.method = what;
  return request;
}

Response echo(const Request& request) { return {200, "text/plain", request.method, ""}; }

TEST(Inbox, EveryRequestGetsItsOwnAnswer) {
  std::atomic<int> rings{0};
  Inbox inbox([&] {
    rings.fetch_add(1);
    rings.notify_one();
  });
  std::vector<std::future<Response>> answers;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(
        std::launch::async, [&inbox, i] { return inbox.ask(asking(std::to_string(i)), std::chrono::minutes(1)); }));
  }
  for (int seen = rings.load(); seen < 8; seen = rings.load()) rings.wait(seen);
  inbox.answer_waiting(echo);
  for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].get().body, std::to_string(i));
}

TEST(Inbox, WhoWaitsInVainIsToldAndForgotten) {
  Inbox inbox([] {});
  EXPECT_THAT(inbox.ask(asking("late"), Millis(0)).body, HasSubstr("did not answer in time"));
  inbox.answer_waiting([](const Request&) -> Response {
    ADD_FAILURE() << "nobody waits for it any more";
    return {};
  });
}

TEST(Inbox, IsBounded) {
  Inbox inbox([] {});
  std::vector<std::future<Response>> answers;
  std::atomic<std::size_t> full{0}, answered{0};
  for (std::size_t i = 0; i < Inbox::kMost + 4; ++i) {
    answers.push_back(std::async(std::launch::async, [&] {
      Response response = inbox.ask(asking("x"), std::chrono::minutes(1));
      if (response.status == 503) full.fetch_add(1), full.notify_one();
      return response;
    }));
  }
  for (std::size_t seen = full.load(); seen < 4; seen = full.load()) full.wait(seen);
  while (answered < Inbox::kMost)
    inbox.answer_waiting([&](const Request& request) {
      answered.fetch_add(1);
      return echo(request);
    });
  std::size_t refused = 0;
  for (auto& answer : answers) refused += answer.get().status == 503;
  EXPECT_EQ(refused, 4U);
}

TEST(Inbox, ClosingEndsAllWaiting) {
  std::atomic<bool> has_come{false};
  Inbox inbox([&] {
    has_come = true;
    has_come.notify_one();
  });
  auto answer = std::async(std::launch::async, [&] { return inbox.ask(asking("x"), std::chrono::minutes(1)); });
  has_come.wait(false);
  inbox.close();
  EXPECT_THAT(answer.get().body, HasSubstr("stopping"));
  EXPECT_THAT(inbox.ask(asking("y"), std::chrono::minutes(1)).body, HasSubstr("stopping"));
}

}  // namespace
}  // namespace mortise::admin
