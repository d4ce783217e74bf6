#include <elf.h>
#include <gtest/gtest.h>
#include <mortise/abi.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace {

template <typename T>
T read_at(const std::string& file, size_t offset) {
  T value{};
  if (offset <= file.size() && sizeof value <= file.size() - offset) {
    std::memcpy(&value, file.data() + offset, sizeof value);
  }
  return value;
}

/// Head of the section of that name in an ELF file; all zero if there is none.
Elf64_Shdr find_section(const std::string& file, const std::string& name) {
  const auto head = read_at<Elf64_Ehdr>(file, 0);
  const auto names = read_at<Elf64_Shdr>(file, head.e_shoff + size_t{head.e_shstrndx} * head.e_shentsize);
  for (size_t i = 0; i < head.e_shnum; ++i) {
    const auto section = read_at<Elf64_Shdr>(file, head.e_shoff + i * head.e_shentsize);
    if (file.compare(names.sh_offset + section.sh_name, name.size() + 1, name.c_str(), name.size() + 1) == 0) {
      return section;
    }
  }
  return {};
}

TEST(PluginNote, stands_in_the_file_as_an_elf_note_and_names_the_plugin) {
  std::ifstream stream("/proc/self/exe", std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const Elf64_Shdr section = find_section(file, MORTISE_NOTE_SECTION);
  ASSERT_EQ(section.sh_type, static_cast<Elf64_Word>(SHT_NOTE));
  ASSERT_EQ(section.sh_size, sizeof(mortise_note));
  const auto note = read_at<mortise_note>(file, section.sh_offset);
  EXPECT_EQ(note.type, static_cast<uint32_t>(MORTISE_NOTE_TYPE));
  EXPECT_STREQ(note.owner, MORTISE_NOTE_OWNER);
  EXPECT_EQ(note.owner_size, sizeof note.owner);
  EXPECT_EQ(note.description_size, sizeof note - offsetof(mortise_note, abi_major));
  EXPECT_EQ(note.abi_major, static_cast<uint32_t>(MORTISE_ABI_MAJOR));
  EXPECT_EQ(note.abi_minor_built, static_cast<uint32_t>(MORTISE_ABI_MINOR));
  EXPECT_EQ(note.flags, MORTISE_PLUGIN_CONCURRENT);
  EXPECT_EQ((uint64_t{note.description_hash_high} << 32) | note.description_hash_low, MORTISE_DESCRIPTION_HASH);
  EXPECT_STREQ(note.name, "header-use");
  EXPECT_STREQ(note.version, "1.2.3");
}

uint32_t find_nothing(mortise_bytes, const void** table) {
  *table = nullptr;
  return MORTISE_E_UNSUPPORTED;
}

uint32_t find_anything(mortise_bytes, const void** table) {
  static const mortise_decision_v1 kTable = {sizeof(mortise_decision_v1), 0, nullptr, nullptr, nullptr, nullptr};
  *table = &kTable;
  return MORTISE_OK;
}

TEST(PluginEntry, describes_the_plugin_as_its_macros_say) {
  mortise_hello hello{};
  hello.get_service = find_anything;
  mortise_reply reply{};
  ASSERT_EQ(mortise_plugin_entry(&hello, &reply), MORTISE_OK);
  ASSERT_NE(reply.plugin, nullptr);
  EXPECT_EQ(reply.plugin->struct_size, sizeof(mortise_plugin));
  EXPECT_EQ(reply.plugin->description_hash, MORTISE_DESCRIPTION_HASH);
  EXPECT_TRUE(mortise_bytes_equal(reply.plugin->name, "header-use"));
  ASSERT_EQ(reply.plugin->hook_count, 2U);
  EXPECT_EQ(reply.plugin->hooks[0].struct_size, sizeof(mortise_hook));
  EXPECT_EQ(reply.plugin->hooks[1].hook_id, MORTISE_HOOK_TOPIC_BIND);
  EXPECT_EQ(reply.plugin->hooks[1].signature, MORTISE_SIGNATURE_TOPIC_BIND);
  EXPECT_TRUE(mortise_bytes_equal(reply.plugin->hooks[1].family, "mortise.topic/1"));
}

TEST(PluginEntry, says_which_service_is_missing) {
  mortise_hello hello{};
  hello.get_service = find_nothing;
  mortise_reply reply{};
  EXPECT_EQ(mortise_plugin_entry(&hello, &reply), MORTISE_E_UNSUPPORTED);
  EXPECT_TRUE(mortise_bytes_equal(reply.error, "this host has no mortise.decision/1"));
}

}  // namespace
