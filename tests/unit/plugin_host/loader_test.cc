#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/unit/plugin_host/host_fixture.h"

namespace mortise::plugin_host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Loader : public HostTest {
 protected:
  std::string refusal(const std::string& library) {
    settings_ = {};
    host_.reset();
    add("gate", library, "a");
    return start();
  }
};

struct Refused {
  const char* library;
  const char* says;
};

TEST_F(Loader, refuses_what_this_host_cannot_run_in_one_line_that_names_plugin_library_and_reason) {
  const Refused all[] = {
      {"not-there", "the file is not there"},
      {"refused-no_entry", "it exports no mortise_plugin_entry"},
      {"refused-no_note", "its ELF note is missing or damaged"},
      {"refused-note_size", "its ELF note is missing or damaged"},
      {"refused-newer_major", "use a newer broker"},
      {"refused-newer_minor", "use a newer broker"},
      {"refused-other_layout", "rebuild it against this version's headers"},
      {"refused-note_name", "disagree on the name"},
      {"refused-claim", "claims a version it was not built with"},
      {"refused-size", "its descriptor says it is 4294967295 bytes"},
      {"refused-hook_size", "says it is 4294967295 bytes"},
      {"refused-unknown_hook", "it requires hook 0x0000000000007f01"},
      {"refused-signature", "compiled against another prototype"},
      {"refused-twice", "listed twice"},
      {"refused-half_a_store", "a store must have open, commit, load and fetch"},
      {"refused-entry", "its entry refused: \"no licence\""},
      {"refused-start", "cannot read passwd: no such file; create it with mortise passwd"},
  };
  for (const Refused& row : all) {
    EXPECT_THAT(refusal(row.library),
                AllOf(HasSubstr("plugin gate ("), HasSubstr(row.library), HasSubstr(row.says), Not(HasSubstr("\n"))))
        << row.library;
  }
}

TEST_F(Loader, ignores_an_optional_hook_it_does_not_know) {
  EXPECT_EQ(refusal("refused-optional_hook"), "");
  EXPECT_EQ(host_->descriptions().at(0).hooks, std::vector<std::string>{"auth.authenticate"});
}

TEST_F(Loader, refuses_a_file_that_is_no_shared_object) {
  const std::string path = ::testing::TempDir() + "/not-a-plugin.so";
  std::ofstream(path) << "hello";
  add("gate", "", "a").library = path;
  EXPECT_THAT(start(), HasSubstr("it cannot be loaded"));
}

TEST_F(Loader, enters_a_library_once_however_many_instances_and_reloads_there_are) {
  add("first", "entered-once-1", "a");
  add("second", "entered-once-1", "a");
  must_start();
  const auto next = host_->prepare(std::make_shared<const config::Settings>(settings_));
  EXPECT_TRUE(next) << next.error().message;
}

TEST_F(Loader, maps_a_library_that_took_the_place_of_another_beside_it_until_there_are_too_many) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "replaced.so";
  const auto put = [&path](const char* version) {
    const std::filesystem::path aside = path.string() + ".new";
    std::filesystem::copy_file(MORTISE_TEST_PLUGINS + std::string("/entered-once-") + version + ".so", aside,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(aside, path);
  };
  put("1");
  add("gate", "", "a").library = path;
  must_start();
  EXPECT_EQ(host_->descriptions().at(0).version, "1.0");
  for (int i = 0; i < 7; ++i) {
    const char* version = i % 2 == 0 ? "2" : "1";
    put(version);
    auto next = host_->prepare(std::make_shared<const config::Settings>(settings_));
    ASSERT_TRUE(next) << next.error().message;
    host_->use(std::move(*next));
    EXPECT_EQ(host_->descriptions().at(0).version, version + std::string(".0"));
    host_->retire();
    for (auto& loop : loops_) loop.run_all();
    EXPECT_EQ(host_->retire(), 0U);
  }
  put("1");
  const auto refused = host_->prepare(std::make_shared<const config::Settings>(settings_));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("plugin gate"), HasSubstr("restart the broker to load another")));
  EXPECT_EQ(host_->descriptions().at(0).version, "2.0") << "it goes on with what it has";
}

TEST_F(Loader, refuses_a_library_that_was_written_over_in_its_place) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "written-over.so";
  std::filesystem::copy_file(MORTISE_TEST_PLUGINS "/entered-once-1.so", path,
                             std::filesystem::copy_options::overwrite_existing);
  add("gate", "", "a").library = path;
  must_start();
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(host_->prepare(std::make_shared<const config::Settings>(settings_))) << "the same bytes";
  std::ofstream(path, std::ios::app) << '\0';
  const auto refused = host_->prepare(std::make_shared<const config::Settings>(settings_));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("was written over since it was loaded; put a new file in its place"));
}

TEST_F(Loader, stops_what_was_started_when_a_later_plugin_is_refused) {
  std::vector<std::uint32_t> points;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle, mortise_handle) {
    points.push_back(point);
    return MORTISE_OK;
  });
  add("first", "probe-concurrent", "a");
  add("second", "refused-start", "a");
  EXPECT_THAT(start(), HasSubstr("plugin second"));
  EXPECT_EQ(points, (std::vector<std::uint32_t>{kProbeStart, kProbeStop}));
}

TEST_F(Loader, refuses_a_chain_that_names_a_plugin_without_such_hooks_or_no_plugin) {
  add("gate", "leak", "at");
  EXPECT_THAT(start(), AllOf(HasSubstr("hooks.topic"), HasSubstr("it has no topic hook")));
  settings_.hooks.topic = {"nobody"};
  EXPECT_THAT(start(), AllOf(HasSubstr("hooks.topic"), HasSubstr("no plugin named \"nobody\"")));
}

TEST_F(Loader, refuses_to_run_a_plugin_in_a_process_of_its_own_which_is_not_there_yet) {
  add("gate", "leak", "a").run = config::RunMode::kProcess;
  EXPECT_THAT(start(), HasSubstr("`run: process` is not there yet"));
}

TEST_F(Loader, describes_what_it_loaded) {
  add("gate", "probe-serial", "atse");
  must_start();
  const PluginDescription one = host_->descriptions().at(0);
  EXPECT_EQ(one.instance, "gate");
  EXPECT_EQ(one.plugin, "probe");
  EXPECT_EQ(one.version, "1.0");
  EXPECT_FALSE(one.is_concurrent);
  EXPECT_EQ(one.hooks.size(), 10U);
  EXPECT_EQ(one.hooks.front(), "auth.authenticate");
}

TEST_F(Loader, stops_in_reverse_order) {
  std::vector<mortise_handle> stopped;
  std::vector<mortise_handle> started;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle, mortise_handle self) {
    (point == kProbeStart ? started : stopped).push_back(self);
    return MORTISE_OK;
  });
  add("first", "probe-concurrent", "a");
  add("second", "probe-concurrent", "a");
  must_start();
  host_->stop();
  ASSERT_EQ(stopped.size(), 2U);
  EXPECT_EQ(stopped[0], started[1]);
  EXPECT_EQ(stopped[1], started[0]);
}

}  // namespace
}  // namespace mortise::plugin_host
