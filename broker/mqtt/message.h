#pragma once

#include <cstdint>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/ref.h"
#include "broker/base/time.h"
#include "broker/mqtt/property.h"
#include "broker/mqtt/types.h"

namespace mortise::mqtt {

class Message;
using MessagePtr = Ref<const Message>;

/// What a Message says, or is to be made from. Borrowed.
struct MessageView {
  std::string_view topic;  // validated
  ByteView payload;
  PropertiesView properties;   // those that travel on to receivers; others are left out by make
  QoS qos = QoS::kAtMostOnce;  // as published
  bool retain = false;         // as published
  bool is_will = false;
  WallTime expires_at = kNeverWall;  // Message Expiry Interval, as a point in time
  WallTime received_at{};
  std::uint64_t origin = 0;  // for No Local: which Client published it (session/origin.h); 0: none, a plugin or $SYS
  std::uint8_t hops = 0;     // publishes of plugins on the way here

  bool has_expiry() const noexcept { return expires_at != kNeverWall; }
  /// All its properties are such that Message::make keeps.
  bool has_only_forwarded_properties() const noexcept;
};

/// An Application Message. Immutable after it is made and counted: any thread may hold one. Topic, properties and
/// payload are one allocation; a rewritten message has a header and topic of its own and shares the payload. There is
/// no set_topic.
class Message {
 public:
  /// Copies everything it is given. Of the properties it keeps those that 5.0 section 3.3.2.3 tells the Server to
  /// forward: Payload Format Indicator, Content Type, Response Topic, Correlation Data, User Property, in their order.
  static MessagePtr make(const MessageView& fields);

  /// The same message under another topic (validated by the caller): shares payload and properties.
  MessagePtr with_topic(std::string_view topic) const;

  /// Borrowed from this message.
  MessageView view() const noexcept;
  std::string_view topic() const noexcept { return {topic_, topic_size_}; }
  ByteView payload() const noexcept { return {payload_, payload_size_}; }
  /// Borrowed from this message.
  PropertiesView properties() const noexcept { return {ByteView(properties_, properties_size_), properties_present_}; }
  QoS qos() const noexcept { return qos_; }
  bool retain() const noexcept { return retain_; }
  bool is_will() const noexcept { return is_will_; }
  bool has_expiry() const noexcept { return expires_at_ != kNeverWall; }
  WallTime expires_at() const noexcept { return expires_at_; }
  bool is_expired(WallTime now) const noexcept { return now >= expires_at_; }
  WallTime received_at() const noexcept { return received_at_; }
  std::uint64_t origin() const noexcept { return origin_; }
  std::uint8_t hops() const noexcept { return hops_; }
  /// What a queue charges for holding it: topic, properties, payload and header, in bytes.
  std::size_t cost() const noexcept { return sizeof(Message) + topic_size_ + properties_size_ + payload_size_; }

  void add_ref() const noexcept { count_.add(); }
  void drop_ref() const noexcept;

  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

 private:
  Message() = default;
  ~Message() = default;
  static Message* allocate(std::size_t extra);
  void add_ref_to_owner(Message& sharer) const;

  RefCount count_;
  QoS qos_ = QoS::kAtMostOnce;
  bool retain_ = false;
  bool is_will_ = false;
  std::uint8_t hops_ = 0;
  std::uint16_t topic_size_ = 0;
  std::uint32_t properties_size_ = 0;
  std::uint32_t payload_size_ = 0;
  std::uint64_t properties_present_ = 0;
  const char* topic_ = nullptr;
  const std::uint8_t* properties_ = nullptr;
  const std::uint8_t* payload_ = nullptr;
  WallTime expires_at_ = kNeverWall;
  WallTime received_at_{};
  std::uint64_t origin_ = 0;
  MessagePtr shared_;  // whose properties and payload these are, when not our own
};

}  // namespace mortise::mqtt
