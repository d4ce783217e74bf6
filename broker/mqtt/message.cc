#include "broker/mqtt/message.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "broker/base/check.h"
#include "broker/mqtt/topic.h"

namespace mortise::mqtt {
namespace {

constexpr std::uint64_t bit(PropertyId id) noexcept { return std::uint64_t{1} << static_cast<unsigned>(id); }

constexpr std::uint64_t kForwarded = bit(PropertyId::kPayloadFormatIndicator) | bit(PropertyId::kContentType) |
                                     bit(PropertyId::kResponseTopic) | bit(PropertyId::kCorrelationData) |
                                     bit(PropertyId::kUserProperty);

/// Calls visit(ByteView) for the encoding of each property that travels on.
template <class Visit>
void for_each_forwarded(const PropertiesView& properties, Visit&& visit) {
  properties.for_each_encoded([&](PropertyId id, ByteView encoded) {
    if ((bit(id) & kForwarded) != 0) visit(encoded);
  });
}

bool is_all_forwarded(const PropertiesView& properties) noexcept { return (properties.present() & ~kForwarded) == 0; }

std::size_t forwarded_size(const PropertiesView& properties) {
  if (is_all_forwarded(properties)) return properties.encoded().size();
  std::size_t size = 0;
  for_each_forwarded(properties, [&](ByteView encoded) { size += encoded.size(); });
  return size;
}

std::uint8_t* append(std::uint8_t* at, ByteView bytes) noexcept {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::uint8_t* append_forwarded(std::uint8_t* at, const PropertiesView& properties) {
  if (is_all_forwarded(properties)) return append(at, properties.encoded());
  for_each_forwarded(properties, [&](ByteView encoded) { at = append(at, encoded); });
  return at;
}

}  // namespace

bool MessageView::has_only_forwarded_properties() const noexcept { return is_all_forwarded(properties); }

// A message and what it owns are one block: the object, its topic and, unless they are another message's, properties
// and payload.

Message* Message::allocate(std::size_t extra) {
  void* memory = std::malloc(sizeof(Message) + extra);
  CHECK(memory != nullptr);
  return ::new (memory) Message();
}

MessagePtr Message::make(const MessageView& fields) {
  CHECK(fields.topic.size() <= kMaximumStringSize);
  const std::size_t properties_size = forwarded_size(fields.properties);
  CHECK(properties_size + fields.payload.size() <= std::numeric_limits<std::uint32_t>::max());
  Message* message = allocate(fields.topic.size() + properties_size + fields.payload.size());
  auto* const topic = reinterpret_cast<std::uint8_t*>(message + 1);
  std::uint8_t* const properties = append(topic, as_bytes(fields.topic));
  std::uint8_t* const payload = append_forwarded(properties, fields.properties);
  append(payload, fields.payload);

  message->topic_ = reinterpret_cast<const char*>(topic);
  message->topic_size_ = static_cast<std::uint16_t>(fields.topic.size());
  message->properties_ = properties;
  message->properties_size_ = static_cast<std::uint32_t>(properties_size);
  message->properties_present_ = fields.properties.present() & kForwarded;
  message->payload_ = payload;
  message->payload_size_ = static_cast<std::uint32_t>(fields.payload.size());
  message->qos_ = fields.qos;
  message->retain_ = fields.retain;
  message->is_will_ = fields.is_will;
  message->hops_ = fields.hops;
  message->expires_at_ = fields.expires_at;
  message->received_at_ = fields.received_at;
  message->origin_ = fields.origin;
  return MessagePtr::adopt(message);
}

MessagePtr Message::with_topic(std::string_view topic) const {
  CHECK(topic.size() <= kMaximumStringSize);
  Message* message = allocate(topic.size());
  auto* const own = reinterpret_cast<std::uint8_t*>(message + 1);
  append(own, as_bytes(topic));

  message->topic_ = reinterpret_cast<const char*>(own);
  message->topic_size_ = static_cast<std::uint16_t>(topic.size());
  message->properties_ = properties_;
  message->properties_size_ = properties_size_;
  message->properties_present_ = properties_present_;
  message->payload_ = payload_;
  message->payload_size_ = payload_size_;
  message->qos_ = qos_;
  message->retain_ = retain_;
  message->is_will_ = is_will_;
  message->hops_ = hops_;
  message->expires_at_ = expires_at_;
  message->received_at_ = received_at_;
  message->origin_ = origin_;
  // Always the message that owns the bytes, so that rewriting a rewritten one makes no chain.
  add_ref_to_owner(*message);
  return MessagePtr::adopt(message);
}

MessageView Message::view() const noexcept {
  MessageView fields;
  fields.topic = topic();
  fields.payload = payload();
  fields.properties = properties();
  fields.qos = qos_;
  fields.retain = retain_;
  fields.is_will = is_will_;
  fields.expires_at = expires_at_;
  fields.received_at = received_at_;
  fields.origin = origin_;
  fields.hops = hops_;
  return fields;
}

void Message::add_ref_to_owner(Message& sharer) const {
  if (shared_) {
    sharer.shared_ = shared_;
    return;
  }
  add_ref();
  sharer.shared_ = MessagePtr::adopt(this);
}

void Message::drop_ref() const noexcept {
  if (!count_.drop()) return;
  auto* const self = const_cast<Message*>(this);
  self->~Message();
  std::free(self);  // NOLINT: from allocate()
}

}  // namespace mortise::mqtt
