#include "broker/admin/ban_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace mortise::admin {
namespace {

using core::BanKind;
using testing::HasSubstr;
using testing::IsEmpty;

class BanFile : public testing::Test {
 protected:
  BanFile() { folder_ = ::mkdtemp(name_); }
  ~BanFile() override { std::filesystem::remove_all(folder_); }
  std::string wrong_with(const std::string& text) const {
    std::ofstream(file()) << text;
    const auto read = read_bans(file());
    return read ? "nothing" : read.error().message;
  }
  std::filesystem::path file() const { return folder_ / "bans.json"; }

  char name_[32] = "/tmp/mortise-bans-XXXXXX";
  std::filesystem::path folder_;
};

TEST_F(BanFile, BansComeBackAsTheyWere) {
  EXPECT_THAT(*read_bans(file()), IsEmpty()) << "no file, no bans";
  const std::vector<core::Ban> bans = {{BanKind::kClientId, "quote\" and \n", kNeverWall, "r\"eason"},
                                       {BanKind::kUserName, "#", WallTime(Millis(1234567890123)), ""},
                                       {BanKind::kPeerAddress, "10.0.0.0/8", kNeverWall, ""}};
  ASSERT_TRUE(write_bans(file(), bans));
  EXPECT_EQ(*read_bans(file()), bans);
  ASSERT_TRUE(write_bans(file(), {}));
  EXPECT_THAT(*read_bans(file()), IsEmpty());
}

TEST_F(BanFile, AFileThatWasNotWrittenHereIsNotOverlooked) {
  for (const char* text :
       {"", "{", "{}", "[1]", R"([{"kind": "client_id"}])", R"([{"kind": "shoe", "what": "x"}])",
        R"([{"kind": "peer_address", "what": "x"}])", R"([{"kind": "client_id", "what": "x", "until_ms": -1}])",
        R"([{"kind": "client_id", "what": "x", "more": 1}])"})
    EXPECT_THAT(wrong_with(text), HasSubstr("bans.json")) << text;
}

TEST_F(BanFile, ADiskThatRefusesIsSaid) {
  EXPECT_THAT(write_bans(folder_ / "none" / "bans.json", {}).error().message, HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace mortise::admin
