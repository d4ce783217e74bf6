#include "broker/core/response_information.h"

#include <gtest/gtest.h>

namespace mortise::core {
namespace {

mqtt::Principal somebody() {
  mqtt::Principal principal;
  principal.client_id = "client";
  principal.user_name = "user";
  principal.name_space = "space";
  principal.listener = SharedBytes::copy_of("tcp://127.0.0.1:1883");
  return principal;
}

TEST(ResponseInformation, PlaceholdersStandForWhatIsKnownOfTheClient) {
  const mqtt::Principal principal = somebody();
  EXPECT_EQ(response_information("responses/%c/", principal), "responses/client/");
  EXPECT_EQ(response_information("%n/%u/%l/%c", principal), "space/user/127.0.0.1:1883/client");
  EXPECT_EQ(response_information("100%%/%u-%c", principal), "100%/user-client");
  EXPECT_EQ(response_information("all", principal), "all");
}

TEST(ResponseInformation, AValueIsNeverMoreOrLessThanAPartOfALevel) {
  for (const char* id : {"a/b", "+", "a#", "/"}) {
    mqtt::Principal principal = somebody();
    principal.client_id = id;
    EXPECT_EQ(response_information("responses/%c/", principal), std::nullopt) << id;
  }
  mqtt::Principal principal = somebody();
  principal.client_id = "$SYS";
  EXPECT_EQ(response_information("%c/", principal), std::nullopt);
  EXPECT_EQ(response_information("a/%c/", principal), "a/$SYS/");
  principal.name_space = "";
  EXPECT_EQ(response_information("a/%n/b", principal), std::nullopt) << "the level would be empty";
  EXPECT_EQ(response_information("a/%n", principal), std::nullopt);
  EXPECT_EQ(response_information("a/x%n/b", principal), "a/x/b");
  principal.user_name = std::nullopt;
  EXPECT_EQ(response_information("a/x%u", principal), std::nullopt) << "it has none";
}

}  // namespace
}  // namespace mortise::core
