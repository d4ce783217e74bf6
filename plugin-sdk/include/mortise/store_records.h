/* Reads and writes the records of a store batch and of a load or fetch page. C11, also C++11; nothing is allocated.
 *
 * Reading: mortise_records_begin, then mortise_records_next until it does not answer OK; mortise_as_<record> gives the
 * fixed part, mortise_record_bytes a byte range of it. Every size, offset and length is checked before it is used, so
 * damaged bytes give E_CORRUPT and never a pointer outside them. A kind that this header does not know passes as it is:
 * a store keeps such a record whole and load emits it again.
 *
 * Writing: mortise_record_start, fill in the fixed part, mortise_record_append each range in order,
 * mortise_record_finish.
 *
 * Thread: [any], as long as one iterator or writer is used by one thread at a time. */
#ifndef MORTISE_STORE_RECORDS_H
#define MORTISE_STORE_RECORDS_H

#include <mortise/abi.h>
#include <mortise/detail/store_layouts.h>

#if defined(__cplusplus)
/* The casts below are C's, for there is no other way to write them in both languages. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
extern "C" {
#endif

/* ---- Reading ---- */

/* A place in a block of records. Lifetime: that of the block. */
typedef struct mortise_record_iterator {
  const char* at; /* The next record. */
  uint64_t left;  /* Bytes from there to the end of the block. */
} mortise_record_iterator;

/* 1 if the range lies inside the record and behind its fixed part, or is empty. */
static inline int mortise_range_is_inside(const mortise_record* record, mortise_range range, uint32_t fixed_size) {
  if (range.length == 0) return range.offset <= record->size;
  return range.offset >= fixed_size && range.offset <= record->size && range.length <= record->size - range.offset;
}

/* 1 if a record of a known kind is long enough and all its ranges lie inside it; 1 for an unknown kind. */
static inline int mortise_record_is_sound(const mortise_record* record) {
  const uint32_t fixed_size = mortise_record_fixed_size(record->kind);
  const uint32_t range_count = mortise_record_range_count(record->kind);
  uint32_t i;
  if (record->size < fixed_size) return 0;
  for (i = 0; i < range_count; ++i) {
    mortise_range range;
    memcpy(&range, (const char*)(const void*)record + fixed_size - (range_count - i) * sizeof range, sizeof range);
    if (!mortise_range_is_inside(record, range, fixed_size)) return 0;
  }
  return 1;
}

/* Begins at the first record of a block. Errors: E_NULL, E_INVALID (the block is not aligned to 8). */
static inline uint32_t mortise_records_begin(mortise_bytes block, mortise_record_iterator* out) {
  if (out == NULL) return MORTISE_E_NULL;
  out->at = block.data;
  out->left = 0;
  if (block.size == 0) return MORTISE_OK;
  if (block.data == NULL) return MORTISE_E_NULL;
  if ((uintptr_t)block.data % 8 != 0) return MORTISE_E_INVALID;
  out->left = block.size;
  return MORTISE_OK;
}

/* Gives the next record and steps over it; on any other answer than OK, *record is NULL and nothing moves.
 * Errors: E_NULL, E_ABSENT (the end), E_CORRUPT. Lifetime of *record: that of the block. */
static inline uint32_t mortise_records_next(mortise_record_iterator* iterator, const mortise_record** record) {
  const mortise_record* next;
  if (iterator == NULL || record == NULL) return MORTISE_E_NULL;
  *record = NULL;
  if (iterator->left == 0) return MORTISE_E_ABSENT;
  if (iterator->left < sizeof(mortise_record)) return MORTISE_E_CORRUPT;
  next = (const mortise_record*)(const void*)iterator->at;
  if (next->size < sizeof(mortise_record) || next->size % 8 != 0 || next->size > iterator->left)
    return MORTISE_E_CORRUPT;
  if (!mortise_record_is_sound(next)) return MORTISE_E_CORRUPT;
  iterator->at += next->size;
  iterator->left -= next->size;
  *record = next;
  return MORTISE_OK;
}

/* Shows a byte range of a record; empty on failure. Errors: E_NULL, E_CORRUPT. Lifetime: that of the record. */
static inline uint32_t mortise_record_bytes(const mortise_record* record, mortise_range range, mortise_bytes* out) {
  if (out == NULL) return MORTISE_E_NULL;
  out->data = "";
  out->size = 0;
  if (record == NULL) return MORTISE_E_NULL;
  if (!mortise_range_is_inside(record, range, (uint32_t)sizeof(mortise_record))) return MORTISE_E_CORRUPT;
  if (range.length == 0) return MORTISE_OK;
  out->data = (const char*)(const void*)record + range.offset;
  out->size = range.length;
  return MORTISE_OK;
}

/* The record as one of a kind; NULL if it is of another kind or too short. One function for each kind:
 * const mortise_session_put* mortise_as_session_put(const mortise_record* record), and so on. */
#define MORTISE_DEFINE_RECORD_CAST(name, kind_number)                                                          \
  static inline const mortise_##name* mortise_as_##name(const mortise_record* record) {                        \
    if (record == NULL || record->kind != (kind_number) || record->size < sizeof(mortise_##name)) return NULL; \
    return (const mortise_##name*)(const void*)record;                                                         \
  }
MORTISE_FOR_EACH_RECORD(MORTISE_DEFINE_RECORD_CAST)
#undef MORTISE_DEFINE_RECORD_CAST

/* ---- Writing ---- */

/* Writes one record after the other into memory of the caller's. `size` bytes of it are whole records. */
typedef struct mortise_record_writer {
  char* buffer;      /* Aligned to 8. */
  uint64_t capacity; /* Bytes that fit. */
  uint64_t size;     /* Bytes of the records that are finished. */
  uint64_t used;     /* Bytes of the record being written. */
} mortise_record_writer;

/* Begins with an empty buffer. Errors: E_NULL, E_INVALID (not aligned to 8). Lifetime: the buffer's. */
static inline uint32_t mortise_record_writer_begin(mortise_record_writer* writer, void* buffer, uint64_t capacity) {
  if (writer == NULL || buffer == NULL) return MORTISE_E_NULL;
  writer->buffer = (char*)buffer;
  writer->capacity = 0;
  writer->size = 0;
  writer->used = 0;
  if ((uintptr_t)buffer % 8 != 0) return MORTISE_E_INVALID;
  writer->capacity = capacity;
  return MORTISE_OK;
}

/* Begins a record; one that was not finished is forgotten. *fixed points at its fixed part, zero but for the header.
 * Errors: E_NULL, E_INVALID (unknown kind), E_RANGE (no room: emit what is finished, begin again). */
static inline uint32_t mortise_record_start(mortise_record_writer* writer, uint32_t kind, uint64_t number,
                                            uint64_t session, void** fixed) {
  const uint32_t fixed_size = mortise_record_fixed_size(kind);
  mortise_record* record;
  if (writer == NULL || fixed == NULL) return MORTISE_E_NULL;
  *fixed = NULL;
  writer->used = 0;
  if (fixed_size == 0) return MORTISE_E_INVALID;
  if (writer->capacity - writer->size < fixed_size) return MORTISE_E_RANGE;
  record = (mortise_record*)(void*)(writer->buffer + writer->size);
  memset(record, 0, fixed_size);
  record->size = fixed_size;
  record->kind = (uint16_t)kind;
  record->version = MORTISE_RECORD_VERSION;
  record->number = number;
  record->session = session;
  writer->used = fixed_size;
  *fixed = record;
  return MORTISE_OK;
}

/* Appends the bytes of one range to the record being written, and points the range, a member of it, at them.
 * Errors: E_NULL, E_INVALID (no record begun), E_RANGE (no room). */
static inline uint32_t mortise_record_append(mortise_record_writer* writer, mortise_range* range, mortise_bytes bytes) {
  if (writer == NULL || range == NULL || (bytes.data == NULL && bytes.size != 0)) return MORTISE_E_NULL;
  if (writer->used == 0) return MORTISE_E_INVALID;
  if (bytes.size > writer->capacity - writer->size - writer->used) return MORTISE_E_RANGE;
  if (bytes.size > UINT32_MAX - 8 - writer->used) return MORTISE_E_RANGE;
  range->offset = (uint32_t)writer->used;
  range->length = (uint32_t)bytes.size;
  if (bytes.size != 0) memcpy(writer->buffer + writer->size + writer->used, bytes.data, (size_t)bytes.size);
  writer->used += bytes.size;
  return MORTISE_OK;
}

/* Pads and ends the record being written. Errors: E_NULL, E_INVALID (no record begun), E_RANGE (no room). */
static inline uint32_t mortise_record_finish(mortise_record_writer* writer) {
  uint64_t padded;
  mortise_record* record;
  if (writer == NULL) return MORTISE_E_NULL;
  if (writer->used == 0) return MORTISE_E_INVALID;
  padded = (writer->used + 7) / 8 * 8;
  if (padded > writer->capacity - writer->size) return MORTISE_E_RANGE;
  record = (mortise_record*)(void*)(writer->buffer + writer->size);
  memset(writer->buffer + writer->size + writer->used, 0, (size_t)(padded - writer->used));
  record->size = (uint32_t)padded;
  writer->size += padded;
  writer->used = 0;
  return MORTISE_OK;
}

/* The finished records, for store.emit. Lifetime: until the writer is used again. */
static inline mortise_bytes mortise_record_writer_bytes(const mortise_record_writer* writer) {
  mortise_bytes bytes = {writer->buffer, writer->size};
  return bytes;
}

#if defined(__cplusplus)
}
#pragma GCC diagnostic pop
#endif
#endif
