#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mortise/password_file.hpp>

namespace mortise::password {
namespace {

class PasswordFile : public testing::Test {
 protected:
  PasswordFile() {
    std::string name = (std::filesystem::temp_directory_path() / "mortise-password-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~PasswordFile() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name = "passwd") const { return folder_ / name; }
  static unsigned mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_;
  std::string error_;
};

TEST_F(PasswordFile, what_is_written_is_read_back) {
  File file;
  file.set("alice", *make_verifier("wonderland", 10));
  file.set("b:o%b#", *make_verifier("builder", 10));
  ASSERT_TRUE(file.write(path(), error_)) << error_;

  const auto read = File::read(path(), error_);
  ASSERT_TRUE(read) << error_;
  EXPECT_EQ(read->users(), (std::vector<std::string>{"alice", "b:o%b#"}));
  ASSERT_NE(read->find("b:o%b#"), nullptr);
  EXPECT_TRUE(check("builder", *read->find("b:o%b#")));
  EXPECT_EQ(read->find("carol"), nullptr);
}

TEST_F(PasswordFile, a_new_file_is_readable_by_its_owner_only) {
  ASSERT_TRUE(File().write(path(), error_)) << error_;
  EXPECT_EQ(mode_of(path()), 0600u);
  EXPECT_EQ(files_in_folder(), 1u);
}

TEST_F(PasswordFile, a_replaced_file_keeps_its_mode) {
  ASSERT_TRUE(File().write(path(), error_));
  std::filesystem::permissions(path(), std::filesystem::perms{0640});
  ASSERT_TRUE(File().write(path(), error_));
  EXPECT_EQ(mode_of(path()), 0640u);
}

TEST_F(PasswordFile, a_symbolic_link_stays_a_link) {
  ASSERT_TRUE(File().write(path("real"), error_));
  std::filesystem::create_symlink(path("real"), path("link"));
  File file;
  file.set("alice", *make_verifier("x", 10));
  ASSERT_TRUE(file.write(path("link"), error_)) << error_;
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(File::read(path("real"), error_)->size(), 1u);
}

TEST_F(PasswordFile, a_folder_that_is_not_there_is_named) {
  EXPECT_FALSE(File().write(path("nowhere/passwd"), error_));
  EXPECT_NE(error_.find(path("nowhere/passwd")), std::string::npos) << error_;
  EXPECT_FALSE(File::read(path("nowhere/passwd"), error_));
  EXPECT_NE(error_.find("cannot be opened"), std::string::npos) << error_;
}

TEST_F(PasswordFile, comments_and_other_users_stay_where_they_are) {
  const std::string alice = "alice:" + format(*make_verifier("a", 10));
  const std::string bob = "bob:" + format(*make_verifier("b", 10));
  auto file = File::parse("# people\n" + alice + "\n\n" + bob + "\n# end\n", "passwd", error_);
  ASSERT_TRUE(file) << error_;
  file->set("carol", *make_verifier("c", 10));
  ASSERT_TRUE(file->erase("alice"));
  EXPECT_FALSE(file->erase("alice"));
  EXPECT_EQ(file->text().find("# people\n\n" + bob + "\n# end\ncarol:"), 0u) << file->text();
  EXPECT_TRUE(check("b", *file->find("bob")));
  EXPECT_TRUE(check("c", *file->find("carol")));
  file->set("bob", *make_verifier("new", 10));
  EXPECT_TRUE(check("new", *file->find("bob")));
  EXPECT_EQ(file->size(), 2u);
}

TEST_F(PasswordFile, a_file_without_a_final_newline_or_with_carriage_returns_is_read) {
  const std::string alice = "alice:" + format(*make_verifier("a", 10));
  EXPECT_EQ(File::parse(alice, "passwd", error_)->size(), 1u);
  EXPECT_EQ(File::parse(alice + "\r\n", "passwd", error_)->size(), 1u);
  EXPECT_EQ(File::parse("", "passwd", error_)->size(), 0u);
}

TEST_F(PasswordFile, errors_name_the_file_and_the_line) {
  const std::string alice = "alice:" + format(*make_verifier("a", 10)) + "\n";
  for (const std::string& broken :
       {std::string("nonsense"), std::string("bob:plain"), std::string("b%zb:plain"), alice}) {
    EXPECT_FALSE(File::parse("\n" + alice + broken, "site.passwd", error_));
    EXPECT_EQ(error_.find("site.passwd:3: "), 0u) << error_;
  }
}

}  // namespace
}  // namespace mortise::password
