#include "broker/config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "broker/config/keys.h"
#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

const std::filesystem::path kConf = MORTISE_CONF_DIR;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Compares a file of conf/ with what the table says; MORTISE_WRITE_REFERENCE=1 writes it instead.
void expect_current(const std::filesystem::path& file, const std::string& wanted) {
  if (std::getenv("MORTISE_WRITE_REFERENCE") != nullptr) std::ofstream(file, std::ios::binary) << wanted;
  EXPECT_EQ(content_of(file), wanted)
      << file << " is not what the table of keys says; run this test once with MORTISE_WRITE_REFERENCE=1";
}

template <class Target>
void expect_same(const Target& one, const Target& other) {
  for (const Row<Target>& row : rows_of<Target>()) {
    if (row.get == nullptr) continue;
    EXPECT_EQ(render(row.key, row.get(one)), render(row.key, row.get(other))) << row.key.path;
  }
}

TEST(Reference, TheFullFileInConfIsTheOneTheTableSays) {
  expect_current(kConf / "mortise.full.yaml", reference_yaml());
}

TEST(Reference, TheSchemaInConfIsTheOneTheTableSays) { expect_current(kConf / "mortise.schema.json", json_schema()); }

TEST(Reference, TheFullFileGivesTheDefaults) {
  const auto full = settings_of(reference_yaml());
  const auto defaults = settings_of("{}");
  expect_same(*full, *defaults);
  ASSERT_EQ(full->listeners.size(), 1u);
  expect_same(full->listeners[0], defaults->listeners[0]);
  EXPECT_THAT(full->plugins, testing::IsEmpty());
  EXPECT_THAT(full->warnings, testing::IsEmpty());
}

TEST(Reference, TheFullFileNamesEveryKey) {
  const std::string text = reference_yaml();
  const auto expect_named = [&](const char* path) {
    const std::string name = std::string(path).substr(std::string(path).rfind('.') + 1);
    EXPECT_THAT(text, testing::HasSubstr(name + ": ")) << path;
  };
  for (const auto& row : rows_of<Settings>()) {
    if (row.key.kind != ValueKind::kNotYet) expect_named(row.key.path);
  }
  for (const auto& row : rows_of<ListenerSettings>()) {
    if (row.key.kind != ValueKind::kNotYet) expect_named(row.key.path);
  }
  for (const auto& row : rows_of<PluginSettings>()) {
    if (row.key.kind != ValueKind::kNotYet) expect_named(row.key.path);
  }
}

TEST(Reference, WhatIsCommentedOutOfTheFullFileIsValidTooOnceTheNamesFit) {
  // The example of a plugin: its entry without the "# ", for a library that is there.
  const std::string text = reference_yaml();
  std::string example = "plugins:\n";
  for (std::size_t at = text.find("plugins: []\n") + 12; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.starts_with("# ")) line.erase(0, 2);
    if (line.find("library:") != std::string::npos) line = "  library: auth.so";
    example += line + "\n";
    at = end + 1;
  }
  const auto settings =
      settings_of(example + "hooks: { auth: [passwords], topic: [passwords], store: passwords, event: [passwords] }\n");
  EXPECT_EQ(settings->plugins.size(), 1u);
  expect_same(settings->plugins[0].on_auth_failure == hooks::AuthFailurePolicy::kDeny ? *settings : Settings{},
              *settings);
}

/// A folder in which the plugins that conf/ names are there by name.
std::filesystem::path shipped_plugins() {
  const std::filesystem::path folder = plugin_folder() / "shipped";
  std::filesystem::create_directories(folder);
  for (const char* name : {"auth-file.so", "topic-affix.so", "store-sqlite.so"}) std::ofstream(folder / name).put('\n');
  return folder;
}

TEST(Shipped, EveryConfigurationInConfIsRightAndWithoutWarnings) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kConf)) {
    if (entry.path().extension() != ".yaml" || entry.path().filename() == "acl.yaml") continue;
    const auto settings = load(entry.path(), shipped_plugins());
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_THAT((*settings)->warnings, testing::IsEmpty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(Shipped, TheDefaultConfigurationNeedsNoPluginAndIsForThisMachineOnly) {
  const auto settings = load(kConf / "mortise.yaml", "/nowhere");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_TRUE((*settings)->listeners.at(0).is_local());
  EXPECT_EQ((*settings)->data_dir, kConf / "data");
}

TEST(Shipped, TheSecureConfigurationHasAPluginForEachQuestion) {
  const auto settings = load(kConf / "mortise.secure.yaml", shipped_plugins());
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ((*settings)->plugins.at(0).config_json, R"({"passwords":"passwd","acl":"acl.yaml"})");
  EXPECT_EQ((*settings)->plugins.at(1).config_json, R"({"prefix":"tenant/%u/"})");
  EXPECT_EQ((*settings)->plugins.at(2).config_json, R"({"path":"data/mortise.db"})");
}

}  // namespace
}  // namespace mortise::config
