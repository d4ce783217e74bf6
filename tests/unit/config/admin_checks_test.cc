#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::HasSubstr;

TEST(AdminChecks, WithoutAUrlThereIsNone) {
  EXPECT_FALSE(settings_of("{}")->admin.is_on());
  const auto settings = settings_of("admin: {url: \"http://[::1]:9883/\"}");
  EXPECT_TRUE(settings->admin.is_on());
  EXPECT_EQ(settings->admin.host, "::1");
  EXPECT_EQ(settings->admin.port, 9883);
  EXPECT_FALSE(settings->admin.has_tls);
  EXPECT_EQ(settings->admin_token_file(), settings->data_dir / "admin.token");
}

// Secure by default: the truth table of where the API opens.
TEST(AdminChecks, OpensToOthersOnlyWhereThatIsMeantAndSafe) {
  const std::string tls = ", tls: {certificate: a.pem, key: a.key}";
  for (const char* host : {"127.0.0.1", "127.8.9.1", "[::1]", "localhost"}) {
    for (const char* expose : {"", ", expose: true"}) {
      EXPECT_TRUE(settings_of("admin: {url: \"http://" + std::string(host) + ":1\"" + expose + "}")->admin.is_on());
      EXPECT_TRUE(
          settings_of("admin: {url: \"https://" + std::string(host) + ":1\"" + expose + tls + "}")->admin.has_tls);
    }
  }
  for (const char* host : {"0.0.0.0", "[::]", "192.0.2.1", "broker.example"}) {
    const std::string plain = "admin: {url: \"http://" + std::string(host) + ":1\"";
    const std::string safe = "admin: {url: \"https://" + std::string(host) + ":1\"" + tls;
    EXPECT_THAT(error_of(plain + "}"), HasSubstr("admin.expose: true")) << host;
    EXPECT_THAT(error_of(safe + "}"), HasSubstr("admin.expose: true")) << host;
    EXPECT_THAT(error_of(plain + ", expose: true}"), HasSubstr("would show its token to the network")) << host;
    EXPECT_TRUE(settings_of(safe + ", expose: true}")->admin.is_on()) << host;
  }
}

TEST(AdminChecks, WhatIsNoAddressIsNamed) {
  for (const char* url :
       {"127.0.0.1:1", "tcp://127.0.0.1:1", "http://", "http://127.0.0.1", "http://:1", "http://127.0.0.1:x",
        "http://127.0.0.1:65536", "http://127.0.0.1:1/api", "http://u@127.0.0.1:1", "http://::1:1", "http://[::1:1"})
    EXPECT_THAT(error_of(std::string("admin: {url: \"") + url + "\"}"), HasSubstr("admin.url: ")) << url;
}

TEST(AdminChecks, TlsIsAllThereOrNotAtAll) {
  EXPECT_THAT(error_of("admin: {url: \"https://127.0.0.1:1\"}"),
              HasSubstr("needs admin.tls.certificate and admin.tls.key"));
  EXPECT_THAT(error_of("admin: {url: \"https://127.0.0.1:1\", tls: {key: a.key}}"), HasSubstr("admin.tls.certificate"));
  EXPECT_THAT(error_of("admin: {url: \"http://127.0.0.1:1\", tls: {key: a.key}}"), HasSubstr("https://"));
}

}  // namespace
}  // namespace mortise::config
