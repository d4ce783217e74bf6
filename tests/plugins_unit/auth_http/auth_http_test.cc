#include <gmock/gmock.h>

#include <mortise/testing/fake_host.hpp>
#include <nlohmann/json.hpp>

#include "answer.h"
#include "breaker.h"
#include "request.h"

namespace auth_http {
namespace {

using mortise::TextTemplate;
using nlohmann::json;
using ::testing::HasSubstr;

// ---- Requests -------------------------------------------------------------------------------------------------------

const std::vector<std::string> kNames = {"a", "b"};

RequestTemplate request_of(RequestTemplate::Format format) {
  RequestTemplate request;
  request.target = TextTemplate("/x/%a?b=%b", kNames);
  request.headers = {{"X-A", TextTemplate("is %a", kNames)}, {"X-B", TextTemplate("%b", kNames)}};
  request.format = format;
  request.fields = {{"a\"b", TextTemplate("%a", kNames)}, {"both", TextTemplate("%a+%b", kNames)}};
  return request;
}

Values values_of(std::optional<std::string> a, std::optional<std::string> b) {
  Values values(2);
  if (a) values.set(0, *a);
  if (b) values.set(1, *b);
  return values;
}

TEST(Request, ValuesAreEncodedForWhereTheyStand) {
  const char* why = "";
  const std::string odd = "\"\\ %b&=+/?#\xc3\xa4";
  const auto as_json = request_of(RequestTemplate::Format::kJson).render(values_of(odd, "x"), why);
  ASSERT_TRUE(as_json) << why;
  EXPECT_EQ(as_json->target, "/x/%22%5C%20%25b%26%3D%2B%2F%3F%23%C3%A4?b=x");
  EXPECT_EQ(as_json->headers.at(0).second, "is " + odd);
  EXPECT_EQ(json::parse(as_json->body), (json{{"a\"b", odd}, {"both", odd + "+x"}}));
  const auto as_form = request_of(RequestTemplate::Format::kForm).render(values_of(odd, "x"), why);
  ASSERT_TRUE(as_form) << why;
  EXPECT_EQ(as_form->body,
            "a%22b=%22%5C%20%25b%26%3D%2B%2F%3F%23%C3%A4&both=%22%5C%20%25b%26%3D%2B%2F%3F%23%C3%A4%2Bx");
}

TEST(Request, WhatAClientDoesNotHaveIsLeftOutAndNotEmpty) {
  const char* why = "";
  const auto made = request_of(RequestTemplate::Format::kJson).render(values_of(std::nullopt, ""), why);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->target, "/x/?b=");
  ASSERT_EQ(made->headers.size(), 1u);
  EXPECT_EQ(made->headers[0].first, "X-B");
  EXPECT_EQ(made->body, "{}");
  EXPECT_EQ(request_of(RequestTemplate::Format::kForm).render(values_of(std::nullopt, ""), why)->body, "");
  EXPECT_EQ(request_of(RequestTemplate::Format::kForm).render(values_of("", ""), why)->body, "a%22b=&both=%2B");
}

TEST(Request, AHeaderIsNeverMoreThanOneLine) {
  for (const std::string& bad : {std::string("a\r\nX: y"), std::string("\n"), std::string("a\r"),
                                 std::string("a\0b", 3), std::string("\x7f"), std::string("\t")}) {
    const char* why = "";
    EXPECT_FALSE(request_of(RequestTemplate::Format::kForm).render(values_of(bad, "x"), why)) << bad;
    EXPECT_THAT(why, HasSubstr("header"));
  }
  EXPECT_FALSE(is_header_value(std::string("a\0b", 3)));
  EXPECT_TRUE(is_header_value("\xc3\xa4 \"%"));
}

TEST(Request, WhatJsonCannotCarryIsRefusedAndAFormCarriesIt) {
  const char* why = "";
  RequestTemplate request;
  request.fields = {{"a", TextTemplate("%a", kNames)}};
  EXPECT_FALSE(request.render(values_of("\xff\n", std::nullopt), why));
  EXPECT_THAT(why, HasSubstr("UTF-8"));
  request.format = RequestTemplate::Format::kForm;
  EXPECT_EQ(request.render(values_of("\xff\n", std::nullopt), why)->body, "a=%FF%0A");
}

TEST(Request, BasicCredentialsAreWhatRfc7617Says) {
  EXPECT_EQ(basic_credentials("Aladdin", "open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic_credentials("", ""), "Og==");
  EXPECT_EQ(basic_credentials("u", std::string(8192, 'p')).size(), 10928u);
}

// ---- Answers --------------------------------------------------------------------------------------------------------

TEST(AnswerOf, StatusAndBodyDecide) {
  std::string why;
  EXPECT_EQ(read_answer(204, "", why)->kind, Answer::Kind::kAllow);
  EXPECT_EQ(read_answer(401, "x", why)->kind, Answer::Kind::kDeny);
  EXPECT_EQ(read_answer(403, "", why)->kind, Answer::Kind::kDeny);
  EXPECT_EQ(read_answer(200, R"({"result": "deny"})", why)->kind, Answer::Kind::kDeny);
  EXPECT_EQ(read_answer(200, R"({"result": "ignore"})", why)->kind, Answer::Kind::kIgnore);
  const auto all = read_answer(200, R"({"result": "allow", "user_name": "u", "namespace": "n", "valid_for_s": 60,
      "acl": {"publish": ["a/%u"], "subscribe": ["b/#"]}, "more": null})",
                               why);
  ASSERT_TRUE(all) << why;
  EXPECT_EQ(all->user_name, "u");
  EXPECT_EQ(all->name_space, "n");
  EXPECT_EQ(all->valid_for_s, 60u);
  EXPECT_EQ(all->note, std::string("pa/%u\0sb/#\0", 11));
  EXPECT_EQ(read_answer(200, R"({"result": "allow", "acl": {}})", why)->note, "") << "nothing is granted";
  EXPECT_EQ(read_answer(200, R"({"result": "allow"})", why)->note, std::nullopt) << "no opinion";
}

TEST(AnswerOf, NonsenseIsAFailureAndNeverAnAllow) {
  const std::pair<unsigned, const char*> cases[] = {
      {200, ""},
      {200, "allow"},
      {200, "[]"},
      {200, "null"},
      {200, "{}"},
      {200, R"({"result": true})"},
      {200, R"({"result": "Allow"})"},
      {200, R"({"result": ["allow"]})"},
      {200, R"({"result": "deny", "result": "allow"})"},
      {200, R"({"result": "allow"} x)"},
      {200, R"({"result": "allow", "user_name": 5})"},
      {200, R"({"result": "allow", "user_name": ""})"},
      {200, R"({"result": "allow", "user_name": "\u0000"})"},
      {200, R"({"result": "allow", "namespace": null})"},
      {200, R"({"result": "allow", "acl": []})"},
      {200, R"({"result": "allow", "acl": {"publish": "a"}})"},
      {200, R"({"result": "allow", "acl": {"publish": [5]}})"},
      {200, R"({"result": "allow", "acl": {"subscribe": ["a/#/b"]}})"},
      {200, R"({"result": "allow", "valid_for_s": -1})"},
      {200, R"({"result": "allow", "valid_for_s": 0})"},
      {200, R"({"result": "allow", "valid_for_s": 1.5})"},
      {200, "[[[[[[[[[[]]]]]]]]]]"},
      {201, R"({"result": "allow"})"},
      {302, ""},
      {404, ""},
      {500, ""},
      {0, ""},
      {100, ""},
  };
  for (const auto& [status, body] : cases) {
    std::string why;
    EXPECT_EQ(read_answer(status, body, why), std::nullopt) << status << body;
    EXPECT_NE(why, "");
  }
}

// ---- Limits ---------------------------------------------------------------------------------------------------------

TEST(BreakerTest, AsksNobodyAfterSomeFailuresInARowAndThenOneTries) {
  Breaker breaker(3, std::chrono::milliseconds(1000));
  EXPECT_FALSE(breaker.failed(0));
  EXPECT_FALSE(breaker.failed(0));
  breaker.succeeded();
  EXPECT_FALSE(breaker.failed(10));
  EXPECT_FALSE(breaker.failed(10));
  EXPECT_TRUE(breaker.lets_pass(10));
  EXPECT_TRUE(breaker.failed(10));
  EXPECT_FALSE(breaker.lets_pass(1009));
  EXPECT_TRUE(breaker.lets_pass(1010));
  EXPECT_FALSE(breaker.lets_pass(1010)) << "one is enough";
  EXPECT_TRUE(breaker.failed(1500));
  EXPECT_FALSE(breaker.lets_pass(2499));
  EXPECT_TRUE(breaker.lets_pass(2500));
  breaker.succeeded();
  EXPECT_TRUE(breaker.lets_pass(2501));
}

TEST(CacheTest, IsBoundedAndForgets) {
  Cache cache(2);
  const Answer allow{Answer::Kind::kAllow, "u", {}, {}, {}};
  cache.put("1", allow, 100);
  cache.put("2", {}, 100);
  EXPECT_EQ(cache.find("1", 99)->user_name, "u");
  cache.put("3", {}, 100);
  EXPECT_EQ(cache.find("2", 0), std::nullopt) << "not used for longest";
  EXPECT_TRUE(cache.find("1", 0));
  EXPECT_EQ(cache.find("1", 100), std::nullopt);
  EXPECT_EQ(cache.size(), 1u);
  cache.put("3", allow, 200);
  EXPECT_EQ(cache.find("3", 150)->kind, Answer::Kind::kAllow);
  Cache none(0);
  none.put("1", allow, 100);
  EXPECT_EQ(none.find("1", 0), std::nullopt);
}

// ---- The plugin -----------------------------------------------------------------------------------------------------

using mortise::Status;
using mortise::testing::ConnectRequest;
using mortise::testing::FakeHost;

TEST(AuthHttpTest, AConfigurationThatIsWrongIsRefusedWithTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "/authenticate/url is missing"},
      {R"({"authenticate": {"url": "ftp://a"}})", "is no URL"},
      {R"({"authenticate": {"url": "http:///a"}})", "is no URL"},
      {R"({"authenticate": {"url": "http://%u.example/"}})", "is no URL"},
      {R"({"authenticate": {"url": "http://a/%x"}})", "/authenticate/url unknown placeholder"},
      {R"({"authenticate": {"url": "http://a/ b"}})", "has a blank"},
      {R"({"authenticate": {"url": "http://a/\r\nx"}})", "has a blank"},
      {R"({"authenticate": {"url": "http://a", "body": "xml"}})", "must be json or form"},
      {R"({"authenticate": {"url": "http://a", "fields": {"a": "%topic"}}})",
       "/authenticate/fields/a unknown placeholder"},
      {R"({"authenticate": {"url": "http://a", "headers": {"a b": "c"}}})", "is no header"},
      {R"({"authenticate": {"url": "http://a", "headers": {"a": "c\r\nd"}}})", "is no header"},
      {R"({"authenticate": {"url": "http://a"}, "authorize": {"url": "http://a", "fields": {"p": "%p"}}})",
       "/authorize/fields/p unknown placeholder"},
      {R"({"authenticate": {"url": "https://a"}, "ca": "/nowhere/ca.pem"})", "/nowhere/ca.pem"},
      {R"({"authenticate": {"url": "http://a"}, "timeout_ms": 1})", "/timeout_ms"},
      {R"({"authenticate": {"url": "http://a"}, "pool": 1})", "/pool is not known"},
  };
  for (const auto& [config, expected] : cases) {
    FakeHost host(mortise_plugin_entry);
    EXPECT_NE(host.start(config), Status::ok) << config;
    EXPECT_THAT(host.failure(), HasSubstr(expected)) << config;
  }
}

TEST(AuthHttpTest, AValueThatNoHeaderMayHaveIsRefusedBeforeAnybodyIsAsked) {
  FakeHost host(mortise_plugin_entry);
  ASSERT_EQ(host.start(R"({"authenticate": {"url": "http://127.0.0.1:1", "headers": {"X-User": "%u"}}})"), Status::ok)
      << host.failure();
  ConnectRequest request;
  request.user_name = "a\r\nX-Admin: 1";
  EXPECT_EQ(host.authenticate(request).verdict, MORTISE_VERDICT_DENY);
  EXPECT_TRUE(host.has_logged("control character"));
  EXPECT_EQ(host.open_tokens(), 0u);
}

TEST(AuthHttpTest, AnEndpointThatIsNotThereFailsTheHookAndThenFast) {
  FakeHost host(mortise_plugin_entry);
  ASSERT_EQ(
      host.start(R"({"authenticate": {"url": "http://127.0.0.1:1/"}, "breaker_failures": 1, "timeout_ms": 2000})"),
      Status::ok)
      << host.failure();
  const auto pending = host.begin_authenticate({});
  EXPECT_EQ(pending.verdict, MORTISE_VERDICT_PENDING);
  while (!host.has_logged("it is not asked for breaker_ms")) std::this_thread::yield();
  host.expire(pending);
  EXPECT_FALSE(host.authenticate({}).is_decided);
  EXPECT_EQ(host.counter("failed_fast"), 1u);
  EXPECT_EQ(host.counter("failures"), 1u);
}

TEST(AuthHttpTest, WhatIsTooMuchForTheQueueIsShed) {
  FakeHost host(mortise_plugin_entry);
  ASSERT_EQ(host.start(R"({"authenticate": {"url": "http://127.0.0.1:1/"}, "queue_bytes": 1024})"), Status::ok);
  ConnectRequest request;
  request.password = std::string(2000, 'p');
  EXPECT_EQ(host.authenticate(request).reason_code, mortise::reason::kServerBusy);
  EXPECT_EQ(host.counter("shed"), 1u);
}

}  // namespace
}  // namespace auth_http
