#include "broker/admin/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace mortise::admin {
namespace {

using testing::HasSubstr;

class Token : public testing::Test {
 protected:
  Token() { folder_ = ::mkdtemp(name_); }
  ~Token() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& text, int mode = 0600) const {
    std::ofstream(file()) << text;
    ::chmod(file().c_str(), static_cast<mode_t>(mode));
  }
  std::filesystem::path file() const { return folder_ / "admin.token"; }

  char name_[32] = "/tmp/mortise-token-XXXXXX";
  std::filesystem::path folder_;
};

TEST_F(Token, IsMadeOnceForItsOwnerAlone) {
  const auto made = read_or_make_token(file());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), 43U) << "256 bits";
  struct stat found {};
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_EQ(*read_or_make_token(file()), *made);
  EXPECT_EQ(*read_token(file()), *made);
  std::filesystem::remove(file());
  EXPECT_NE(*read_or_make_token(file()), *made);
}

TEST_F(Token, WhatIsNoTokenIsRefused) {
  EXPECT_THAT(read_token(file()).error().message, HasSubstr("cannot be opened"));
  write("too-short\n");
  EXPECT_THAT(read_or_make_token(file()).error().message, HasSubstr("holds no token"));
  write("with a blank in the middle of it\n");
  EXPECT_THAT(read_or_make_token(file()).error().message, HasSubstr("holds no token"));
  write(std::string(1025, 'x'));
  EXPECT_THAT(read_or_make_token(file()).error().message, HasSubstr("holds no token"));
  write("0123456789abcdef\r\n");
  EXPECT_EQ(*read_or_make_token(file()), "0123456789abcdef");
}

TEST_F(Token, AFileThatOthersReadIsRefused) {
  write("0123456789abcdef", 0640);
  EXPECT_THAT(read_or_make_token(file()).error().message, HasSubstr("chmod 600"));
}

TEST_F(Token, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(read_or_make_token(folder_ / "none" / "admin.token").error().message, HasSubstr("none/admin.token"));
}

TEST_F(Token, OnlyTheWholeOneIsTheSame) {
  EXPECT_TRUE(is_same_token("secret", "secret"));
  for (const char* other : {"", "secre", "secrets", "Secret"}) EXPECT_FALSE(is_same_token("secret", other)) << other;
}

}  // namespace
}  // namespace mortise::admin
