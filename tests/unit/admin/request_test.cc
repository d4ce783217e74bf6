#include "broker/admin/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mortise::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Request, PercentSignsAreDecodedOnceAndRefusedWhenTheyMeanNothing) {
  EXPECT_EQ(percent_decoded("a%2Fb%2f%00"), std::string("a/b/\0", 5));
  EXPECT_EQ(percent_decoded("%2525"), "%25");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
  EXPECT_EQ(percent_decoded(""), "");
  for (const char* wrong : {"%", "%4", "a%", "%g1", "%1g", "%%41", "100%"})
    EXPECT_FALSE(percent_decoded(wrong)) << wrong;
}

TEST(Request, ASegmentMayHoldASlash) {
  EXPECT_THAT(*split_path("/api/v1/clients/a%2Fb"), ElementsAre("api", "v1", "clients", "a/b"));
  EXPECT_THAT(*split_path("/"), IsEmpty());
  EXPECT_THAT(*split_path("/a/"), ElementsAre("a"));
  EXPECT_THAT(*split_path("/a//b"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_path("a").error().message, HasSubstr("does not begin with a slash"));
  EXPECT_THAT(split_path("/a%").error().message, HasSubstr("write %25"));
  EXPECT_THAT(split_path("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17").error().message, HasSubstr("16 segments"));
}

TEST(Request, AnErrorSaysWhatIsWrongWhateverItQuotes) {
  const Response response = error_response(400, "there is no \"\xFF\"");
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(response.body, "{\"error\":{\"status\":400,\"message\":\"there is no \\\"\xEF\xBF\xBD\\\"\"}}\n");
}

}  // namespace
}  // namespace mortise::admin
