#include <gtest/gtest.h>
#include <mortise/store_records.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string_view text(mortise_bytes bytes) { return {bytes.data, bytes.size}; }

mortise_bytes bytes_of(std::string_view from) { return {from.data(), from.size()}; }

/// Memory aligned to 8 with exactly `size` bytes, so that the sanitizers see any access beyond them.
class Block {
 public:
  explicit Block(size_t size) : words_(size / 8 + (size % 8 == 0 ? 0 : 1)), size_(size) {}
  char* data() { return static_cast<char*>(static_cast<void*>(words_.data())); }
  mortise_bytes bytes() { return {data(), size_}; }
  template <typename T>
  void poke(size_t offset, T value) {
    std::memcpy(data() + offset, &value, sizeof value);
  }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

/// One session_put, written into `block`; returns its size.
uint64_t write_session(Block& block, uint64_t capacity) {
  mortise_record_writer writer{};
  EXPECT_EQ(mortise_record_writer_begin(&writer, block.data(), capacity), MORTISE_OK);
  void* fixed = nullptr;
  EXPECT_EQ(mortise_record_start(&writer, MORTISE_RECORD_SESSION_PUT, 41, 7, &fixed), MORTISE_OK);
  auto* put = static_cast<mortise_session_put*>(fixed);
  put->expires_at_ms = MORTISE_EXPIRES_NEVER;
  EXPECT_EQ(mortise_record_append(&writer, &put->key, bytes_of("ns/alice")), MORTISE_OK);
  EXPECT_EQ(mortise_record_append(&writer, &put->client_id, bytes_of("alice")), MORTISE_OK);
  EXPECT_EQ(mortise_record_append(&writer, &put->name_space, bytes_of("")), MORTISE_OK);
  EXPECT_EQ(mortise_record_append(&writer, &put->body, bytes_of(std::string_view("\0\1\2", 3))), MORTISE_OK);
  EXPECT_EQ(mortise_record_finish(&writer), MORTISE_OK);
  return writer.size;
}

uint32_t next_status(mortise_bytes block) {
  mortise_record_iterator iterator;
  EXPECT_EQ(mortise_records_begin(block, &iterator), MORTISE_OK);
  const mortise_record* record = nullptr;
  const uint32_t status = mortise_records_next(&iterator, &record);
  EXPECT_EQ(record != nullptr, status == MORTISE_OK);
  return status;
}

TEST(StoreRecords, a_written_record_reads_back_and_then_the_block_ends) {
  Block block(256);
  const uint64_t size = write_session(block, 256);
  ASSERT_EQ(size % 8, 0U);
  mortise_record_iterator iterator;
  ASSERT_EQ(mortise_records_begin({block.data(), size}, &iterator), MORTISE_OK);
  const mortise_record* record = nullptr;
  ASSERT_EQ(mortise_records_next(&iterator, &record), MORTISE_OK);
  EXPECT_EQ(record->number, 41U);
  EXPECT_EQ(record->session, 7U);
  EXPECT_EQ(mortise_as_queue_put(record), nullptr);
  const mortise_session_put* put = mortise_as_session_put(record);
  ASSERT_NE(put, nullptr);
  EXPECT_EQ(put->expires_at_ms, MORTISE_EXPIRES_NEVER);
  mortise_bytes bytes;
  ASSERT_EQ(mortise_record_bytes(record, put->key, &bytes), MORTISE_OK);
  EXPECT_EQ(text(bytes), "ns/alice");
  ASSERT_EQ(mortise_record_bytes(record, put->name_space, &bytes), MORTISE_OK);
  EXPECT_EQ(text(bytes), "");
  ASSERT_EQ(mortise_record_bytes(record, put->body, &bytes), MORTISE_OK);
  EXPECT_EQ(text(bytes), std::string_view("\0\1\2", 3));
  EXPECT_EQ(mortise_records_next(&iterator, &record), MORTISE_E_ABSENT);
}

TEST(StoreRecords, a_block_cut_at_any_byte_is_corrupt) {
  Block block(256);
  const uint64_t size = write_session(block, 256);
  for (uint64_t cut = 1; cut < size; ++cut) {
    Block shorter(cut);
    std::memcpy(shorter.data(), block.data(), cut);
    EXPECT_EQ(next_status(shorter.bytes()), MORTISE_E_CORRUPT) << cut;
  }
}

TEST(StoreRecords, any_byte_of_the_head_and_ranges_may_change_and_nothing_outside_is_read) {
  Block original(256);
  const uint64_t size = write_session(original, 256);
  for (size_t at = 0; at < sizeof(mortise_session_put); ++at) {
    for (const unsigned value : {0U, 1U, 7U, 0x7FU, 0x80U, 0xFFU}) {
      Block damaged(size);
      std::memcpy(damaged.data(), original.data(), size);
      damaged.poke(at, static_cast<unsigned char>(value));
      mortise_record_iterator iterator;
      ASSERT_EQ(mortise_records_begin(damaged.bytes(), &iterator), MORTISE_OK);
      const mortise_record* record = nullptr;
      if (mortise_records_next(&iterator, &record) != MORTISE_OK) continue;
      const mortise_session_put* put = mortise_as_session_put(record);
      if (put == nullptr) continue;
      for (const mortise_range range : {put->key, put->client_id, put->name_space, put->body}) {
        mortise_bytes bytes;
        ASSERT_EQ(mortise_record_bytes(record, range, &bytes), MORTISE_OK);
        EXPECT_LE(bytes.size, size);
        EXPECT_EQ(std::string(text(bytes)).size(), bytes.size);
      }
    }
  }
}

TEST(StoreRecords, sizes_that_lie_are_corrupt) {
  for (const uint32_t size : {0U, 8U, 16U, 23U, 25U, 64U, 128U, 0xFFFFFFF8U, 0xFFFFFFFFU}) {
    Block block(56);
    block.poke(0, size);
    block.poke<uint16_t>(4, MORTISE_RECORD_QUEUE_PUT);
    EXPECT_EQ(next_status(block.bytes()), MORTISE_E_CORRUPT) << size;
  }
}

TEST(StoreRecords, a_kind_of_a_later_version_passes_as_it_is) {
  Block block(32);
  block.poke<uint32_t>(0, 32);
  block.poke<uint16_t>(4, 999);
  EXPECT_EQ(next_status(block.bytes()), MORTISE_OK);
}

TEST(StoreRecords, an_unaligned_block_and_null_pointers_are_refused) {
  Block block(64);
  mortise_record_iterator iterator;
  EXPECT_EQ(mortise_records_begin({block.data() + 1, 40}, &iterator), MORTISE_E_INVALID);
  EXPECT_EQ(mortise_records_begin({nullptr, 40}, &iterator), MORTISE_E_NULL);
  EXPECT_EQ(mortise_records_begin({nullptr, 0}, nullptr), MORTISE_E_NULL);
  EXPECT_EQ(mortise_records_begin({nullptr, 0}, &iterator), MORTISE_OK);
  mortise_record_writer writer{};
  EXPECT_EQ(mortise_record_writer_begin(&writer, block.data() + 4, 40), MORTISE_E_INVALID);
  EXPECT_EQ(mortise_record_writer_begin(&writer, nullptr, 40), MORTISE_E_NULL);
}

TEST(StoreRecords, a_writer_without_room_says_so_and_keeps_what_is_finished) {
  Block block(72);
  mortise_record_writer writer{};
  ASSERT_EQ(mortise_record_writer_begin(&writer, block.data(), 72), MORTISE_OK);
  void* fixed = nullptr;
  ASSERT_EQ(mortise_record_start(&writer, MORTISE_RECORD_WILL_REMOVE, 1, 1, &fixed), MORTISE_OK);
  ASSERT_EQ(mortise_record_finish(&writer), MORTISE_OK);
  ASSERT_EQ(mortise_record_start(&writer, MORTISE_RECORD_RETAINED_REMOVE, 2, 0, &fixed), MORTISE_OK);
  auto* removal = static_cast<mortise_retained_remove*>(fixed);
  EXPECT_EQ(mortise_record_append(&writer, &removal->topic, bytes_of("sixteen bytes ++x")), MORTISE_E_RANGE);
  EXPECT_EQ(mortise_record_append(&writer, &removal->topic, bytes_of("sixteen bytes ++")), MORTISE_OK);
  EXPECT_EQ(mortise_record_finish(&writer), MORTISE_OK);
  EXPECT_EQ(mortise_record_start(&writer, MORTISE_RECORD_WILL_REMOVE, 3, 1, &fixed), MORTISE_E_RANGE);
  EXPECT_EQ(mortise_record_writer_bytes(&writer).size, 72U);
  EXPECT_EQ(mortise_record_start(&writer, 999, 4, 1, &fixed), MORTISE_E_INVALID);
  EXPECT_EQ(mortise_record_finish(&writer), MORTISE_E_INVALID);
}

}  // namespace
