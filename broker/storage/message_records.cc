#include <algorithm>
#include <limits>
#include <optional>

#include "broker/mqtt/property.h"
#include "broker/mqtt/topic.h"
#include "broker/storage/body.h"
#include "broker/storage/records.h"

namespace mortise::storage {
namespace {

constexpr mqtt::TopicLimits kNoTopicLimits{0, 0};
constexpr std::uint32_t kMaximumSubscriptionId = 268'435'455;  // 5.0 section 3.8.2.1.2
constexpr std::size_t kMaximumSubscriptionIds = 4096;          // of one queued message

BodyWriter message_body(const mqtt::Message& message) {
  BodyWriter body(kMessageBody);
  auto flags = static_cast<std::uint8_t>(message.qos());
  if (message.retain()) flags = static_cast<std::uint8_t>(flags | kMessageRetain);
  if (message.is_will()) flags = static_cast<std::uint8_t>(flags | kMessageIsWill);
  body.put(flags);
  body.put(message.hops());
  body.put(to_record_time(message.expires_at()));
  body.put(to_record_time(message.received_at()));
  body.put_text(as_text(message.properties().encoded()));
  body.put(message.origin());
  return body;
}

/// Nothing when the topic, the body or a property in it is not what a broker would have written.
std::optional<mqtt::MessagePtr> make_message(ByteView topic, ByteView payload, ByteView encoded_body) {
  BodyReaderView body(encoded_body, kMessageBody);
  const auto flags = body.get<std::uint8_t>();
  mqtt::MessageView fields;
  fields.hops = body.get<std::uint8_t>();
  fields.expires_at = from_record_time(body.get<std::uint64_t>());
  fields.received_at = from_record_time(body.get<std::uint64_t>());
  const std::string_view encoded = body.get_text();
  if (body.written() >= kMessageSaysOriginSince) fields.origin = body.get<std::uint64_t>();
  fields.topic = as_text(topic);
  fields.payload = payload;
  fields.qos = static_cast<mqtt::QoS>(flags & kMessageQosMask);
  fields.retain = (flags & kMessageRetain) != 0;
  fields.is_will = (flags & kMessageIsWill) != 0;
  if (!body.ok() || (flags & kMessageQosMask) > 2) return std::nullopt;
  if (fields.topic.size() > mqtt::kMaximumStringSize || !mqtt::is_valid_utf8(fields.topic)) return std::nullopt;
  if (!mqtt::check_topic_name(fields.topic, kNoTopicLimits)) return std::nullopt;
  const auto properties = mqtt::PropertiesView::decode(as_bytes(encoded), mqtt::place(mqtt::PacketType::kPublish));
  if (!properties) return std::nullopt;
  fields.properties = properties.value();
  return mqtt::Message::make(fields);
}

}  // namespace

std::uint64_t to_record_time(WallTime time) noexcept {
  if (time == kNeverWall) return hooks::kExpiresNever;
  const std::int64_t count = time.time_since_epoch().count();
  // 0 has a meaning of its own in records; nothing of ours lies before 1970.
  return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 1));
}

WallTime from_record_time(std::uint64_t milliseconds) noexcept {
  if (milliseconds >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return kNeverWall;
  return WallTime(Millis(static_cast<std::int64_t>(milliseconds)));
}

std::size_t append_message_put(RecordBuffer& out, std::uint64_t number, const mqtt::Message& message) {
  hooks::MessagePutRecord fixed{};
  fixed.header.number = number;
  fixed.message = number;
  fixed.refs = 1;
  const BodyWriter body = message_body(message);
  return out.append(fixed, {as_bytes(message.topic()), message.payload(), body.view()});
}

Result<mqtt::MessagePtr> decode_message_put(const RecordView& record) {
  const auto fixed = record.as<hooks::MessagePutRecord>();
  auto message = make_message(record.range(fixed.topic), record.range(fixed.payload), record.range(fixed.body));
  if (!message) return failure("message_put: topic or body is not valid");
  return std::move(*message);
}

void append_queue_put(RecordBuffer& out, session::SessionNumber session, const session::QueueRecord& record,
                      std::uint64_t message) {
  hooks::QueuePutRecord fixed{};
  fixed.header.session = session;
  fixed.position = record.position;
  fixed.message = message;
  fixed.expires_at_ms = to_record_time(record.message->expires_at());
  fixed.qos = static_cast<std::uint16_t>(record.effective_qos);
  fixed.flags = record.retain ? kQueueRetain : std::uint16_t{0};
  if (record.subscription_identifiers.empty() && record.share_tag == 0) {
    out.append(fixed, {ByteView()});
    return;
  }
  BodyWriter body(kQueueBody);
  body.put(static_cast<std::uint32_t>(record.subscription_identifiers.size()));
  for (const std::uint32_t id : record.subscription_identifiers) body.put(id);
  body.put(record.share_tag);
  out.append(fixed, {body.view()});
}

Result<std::pair<session::QueueRecord, std::uint64_t>> decode_queue_put(const RecordView& record) {
  const auto fixed = record.as<hooks::QueuePutRecord>();
  session::QueueRecord queued;
  queued.position = fixed.position;
  queued.retain = (fixed.flags & kQueueRetain) != 0;
  queued.released = fixed.state == hooks::kQueueStateReleased;
  if (fixed.header.session == 0 || fixed.position == 0) return failure("queue_put: no session or no position");
  if (fixed.qos != 1 && fixed.qos != 2) return failure("queue_put: QoS is neither 1 nor 2");
  if (fixed.state > hooks::kQueueStateReleased) return failure("queue_put: unknown state");
  queued.effective_qos = static_cast<mqtt::QoS>(fixed.qos);
  if (fixed.body.length == 0) return std::pair(std::move(queued), fixed.message);

  BodyReaderView body(record.range(fixed.body), kQueueBody);
  const auto count = body.get<std::uint32_t>();
  if (!body.ok() || count > kMaximumSubscriptionIds) return failure("queue_put: body is not valid");
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = body.get<std::uint32_t>();
    if (!body.ok() || id == 0 || id > kMaximumSubscriptionId) return failure("queue_put: body is not valid");
    queued.subscription_identifiers.push_back(id);
  }
  if (body.written() >= kQueueSaysShareTagSince) queued.share_tag = body.get<std::uint64_t>();
  if (!body.ok()) return failure("queue_put: body is not valid");
  return std::pair(std::move(queued), fixed.message);
}

void append_retained_put(RecordBuffer& out, const mqtt::Message& message) {
  hooks::RetainedPutRecord fixed{};
  fixed.expires_at_ms = to_record_time(message.expires_at());
  const BodyWriter body = message_body(message);
  out.append(fixed, {as_bytes(message.topic()), message.payload(), body.view()});
}

Result<mqtt::MessagePtr> decode_retained_put(const RecordView& record) {
  const auto fixed = record.as<hooks::RetainedPutRecord>();
  auto message = make_message(record.range(fixed.topic), record.range(fixed.payload), record.range(fixed.body));
  if (!message) return failure("retained_put: topic or body is not valid");
  return std::move(*message);
}

void append_will_put(RecordBuffer& out, session::SessionNumber session, WallTime due_at, const mqtt::Message& message) {
  hooks::WillPutRecord fixed{};
  fixed.header.session = session;
  fixed.due_at_ms = to_record_time(due_at);
  const BodyWriter body = message_body(message);
  out.append(fixed, {as_bytes(message.topic()), message.payload(), body.view()});
}

Result<std::pair<mqtt::MessagePtr, WallTime>> decode_will_put(const RecordView& record) {
  const auto fixed = record.as<hooks::WillPutRecord>();
  auto message = make_message(record.range(fixed.topic), record.range(fixed.payload), record.range(fixed.body));
  if (!message || fixed.header.session == 0) return failure("will_put: session, topic or body is not valid");
  return std::pair(std::move(*message), from_record_time(fixed.due_at_ms));
}

Result<mqtt::PacketId> decode_inbound_put(const RecordView& record) {
  const auto fixed = record.as<hooks::InboundPutRecord>();
  if (fixed.header.session == 0 || fixed.packet_id == 0) return failure("inbound_put: no session or no packet id");
  return fixed.packet_id;
}

Result<session::QueueSummary> decode_queue_summary(const RecordView& record) {
  const auto fixed = record.as<hooks::QueueSummaryRecord>();
  const bool is_sound = fixed.header.session != 0 && fixed.first_position != 0 &&
                        fixed.first_position <= fixed.last_position && fixed.count != 0 &&
                        fixed.count - 1 <= fixed.last_position - fixed.first_position;
  if (!is_sound) return failure("queue_summary: numbers contradict each other");
  return session::QueueSummary{fixed.first_position, fixed.last_position, fixed.count, fixed.bytes};
}

}  // namespace mortise::storage
