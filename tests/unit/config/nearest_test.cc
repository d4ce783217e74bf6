#include "broker/config/nearest.h"

#include <gtest/gtest.h>

namespace mortise::config {
namespace {

const std::vector<std::string> kKnown = {"max_packet_size", "receive_maximum", "url", "name"};

TEST(Nearest, FindsLettersSwappedMissingAddedAndChanged) {
  EXPECT_EQ(nearest("recieve_maximum", kKnown), "receive_maximum");
  EXPECT_EQ(nearest("receive_maximun", kKnown), "receive_maximum");
  EXPECT_EQ(nearest("nmae", kKnown), "name");
  EXPECT_EQ(nearest("ulr", kKnown), "url");
}

TEST(Nearest, DoesNotMindTheStyleOfWriting) {
  EXPECT_EQ(nearest("maxPacketSize", kKnown), "max_packet_size");
  EXPECT_EQ(nearest("MAX-PACKET-SIZE", kKnown), "max_packet_size");
}

TEST(Nearest, FindsNothingForWhatIsFarFromEverything) {
  EXPECT_EQ(nearest("xylophone", kKnown), "");
  EXPECT_EQ(nearest("", kKnown), "");
  EXPECT_EQ(nearest("name", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), kKnown), "");
}

TEST(Joined, ListsWordsOrSaysNone) {
  EXPECT_EQ(joined({"a", "b"}), "a, b");
  EXPECT_EQ(joined({}), "none");
}

}  // namespace
}  // namespace mortise::config
