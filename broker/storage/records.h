#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "broker/base/result.h"
#include "broker/mqtt/message.h"
#include "broker/session/journal.h"
#include "broker/storage/record_buffer.h"
#include "broker/storage/record_view.h"

/// What the broker knows, as store records and back. What is decoded was written by whoever owns the store: everything
/// is checked, nothing is trusted. Errors of every decode function: what is wrong, with the kind of record.
namespace mortise::storage {

/// Wall time as a record says it, and back; "never" is kExpiresNever.
std::uint64_t to_record_time(WallTime time) noexcept;
WallTime from_record_time(std::uint64_t milliseconds) noexcept;

void append_session_put(RecordBuffer& out, const session::SessionRecord& record);
Result<session::SessionRecord> decode_session_put(const RecordView& record);

void append_subscription_put(RecordBuffer& out, session::SessionNumber session,
                             const session::SubscriptionRecord& record);
Result<session::SubscriptionRecord> decode_subscription_put(const RecordView& record);

/// `message`: what the record's field of that name says.
void append_queue_put(RecordBuffer& out, session::SessionNumber session, const session::QueueRecord& record,
                      std::uint64_t message);
/// Without the message, whose number is the second one.
Result<std::pair<session::QueueRecord, std::uint64_t>> decode_queue_put(const RecordView& record);

/// Returns where the record begins; its refs are 1.
std::size_t append_message_put(RecordBuffer& out, std::uint64_t number, const mqtt::Message& message);
Result<mqtt::MessagePtr> decode_message_put(const RecordView& record);

void append_retained_put(RecordBuffer& out, const mqtt::Message& message);
Result<mqtt::MessagePtr> decode_retained_put(const RecordView& record);

void append_will_put(RecordBuffer& out, session::SessionNumber session, WallTime due_at, const mqtt::Message& message);
Result<std::pair<mqtt::MessagePtr, WallTime>> decode_will_put(const RecordView& record);

/// 1 to 65535.
Result<mqtt::PacketId> decode_inbound_put(const RecordView& record);
Result<session::QueueSummary> decode_queue_summary(const RecordView& record);

}  // namespace mortise::storage
