#include "broker/storage/records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "broker/storage/format.h"
#include "tests/unit/storage/storage_fixtures.h"

namespace mortise::storage {
namespace {

using testing::entry;
using testing::message;
using testing::session_of;

RecordView parsed(const RecordBuffer& buffer) {
  auto record = RecordView::parse(buffer.view());
  EXPECT_TRUE(record) << record.error().message;
  return *record;
}

session::SessionRecord full_session() {
  auto principal = std::make_shared<mqtt::Principal>();
  principal->client_id = "client \"1\" 'x' %n \xf0\x9f\x98\x80";
  principal->user_name = "";
  principal->name_space = "tenant/\xc3\xa4";
  principal->listener = SharedBytes::copy_of("tls://0.0.0.0:8883");
  principal->peer_address = "::1";
  principal->peer_port = 4711;
  principal->version = mqtt::ProtocolVersion::k311;
  principal->set_details(
      {std::make_shared<mqtt::CertificateIdentity>(mqtt::CertificateIdentity{"CN=a", "a", "DNS:a", "00:11"}),
       std::make_shared<mqtt::UserProperties>(mqtt::UserProperties{{"k", "v"}, {"k", ""}}), std::nullopt});
  principal->connected_at = WallTime(Millis(1'700'000'000'123));
  session::SessionRecord record;
  record.number = 77;
  record.principal = principal;
  record.expiry_interval = 0xFFFFFFFF;
  record.expires_at = WallTime(Millis(1'800'000'000'000));
  record.affix = session::AffixRecord{"tenant/a/", "/z", 15, 3};
  record.sent_until = 0x1'0000'0003;
  return record;
}

TEST(Records, ASessionComesBackAsItWas) {
  RecordBuffer buffer;
  const session::SessionRecord in = full_session();
  append_session_put(buffer, in);
  const auto out = decode_session_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->number, 77u);
  EXPECT_EQ(out->expiry_interval, 0xFFFFFFFFu);
  EXPECT_EQ(out->expires_at, in.expires_at);
  EXPECT_EQ(out->principal->client_id, in.principal->client_id);
  EXPECT_EQ(out->principal->user_name, std::optional<std::string>(""));
  EXPECT_EQ(out->principal->name_space, in.principal->name_space);
  EXPECT_EQ(out->principal->listener.text(), in.principal->listener.text());
  EXPECT_EQ(out->principal->peer_port, 4711);
  EXPECT_EQ(out->principal->version, mqtt::ProtocolVersion::k311);
  EXPECT_EQ(out->principal->certificate()->fingerprint_sha256, "00:11");
  EXPECT_EQ(*out->principal->user_properties(), *in.principal->user_properties());
  EXPECT_EQ(out->principal->connected_at, in.principal->connected_at);
  EXPECT_EQ(out->affix->prefix, "tenant/a/");
  EXPECT_EQ(out->affix->suffix, "/z");
  EXPECT_EQ(out->affix->rule_version, 3u);
  EXPECT_EQ(out->sent_until, 0x1'0000'0003u);
}

TEST(Records, OfASessionBodyThatDoesNotSayHowFarItWasSentEverythingMayHaveBeen) {
  RecordBuffer buffer;
  append_session_put(buffer, session_of(1, "c"));
  std::string bytes(as_text(buffer.view()));
  const RecordView view = parsed(buffer);
  const auto body = view.as<hooks::SessionPutRecord>().body;
  bytes[body.offset] = 1;  // the version that wrote it
  const auto older = RecordView::parse(as_bytes(bytes));
  ASSERT_TRUE(older);
  const auto out = decode_session_put(*older);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->sent_until, session::kAllMayBeSent);
}

TEST(Records, ASessionWithoutAnythingOptionalComesBackAsItWas) {
  RecordBuffer buffer;
  append_session_put(buffer, session_of(1, "c"));
  const auto out = decode_session_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_FALSE(out->principal->user_name.has_value());
  EXPECT_FALSE(out->affix.has_value());
  EXPECT_EQ(out->expires_at, kNeverWall);
  EXPECT_TRUE(out->share_group.empty());
}

TEST(Records, TheQueueOfASharedSubscriptionNeedsNoPrincipal) {
  session::SessionRecord in;
  in.number = 9;
  in.share_group = "$share/workers/jobs/#";
  RecordBuffer buffer;
  append_session_put(buffer, in);
  const auto out = decode_session_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->share_group, in.share_group);
  EXPECT_EQ(out->principal, nullptr);
}

TEST(Records, KeysOfDifferentNamespacesAndClientsDiffer) {
  const auto key_of = [](const std::string& name_space, const std::string& client_id) {
    auto record = session_of(1, client_id);
    auto principal = std::make_shared<mqtt::Principal>(*record.principal);
    principal->name_space = name_space;
    record.principal = principal;
    RecordBuffer buffer;
    append_session_put(buffer, record);
    const RecordView view = parsed(buffer);
    return std::string(as_text(view.range(view.as<hooks::SessionPutRecord>().key)));
  };
  EXPECT_NE(key_of("a", "bc"), key_of("ab", "c"));
  EXPECT_NE(key_of("", "ac"), key_of("a", "c"));
}

TEST(Records, ASubscriptionComesBackAsItWas) {
  session::SubscriptionRecord in;
  in.filter = "$share/g/a/+";
  in.routed_filter = "tenant/a/+";
  in.options = {mqtt::QoS::kExactlyOnce, true, true, mqtt::RetainHandling::kDoNotSend};
  in.subscription_identifier = 268'435'455;
  in.rules = {{{false, "secret/#"}, {true, "#"}}, {}};
  RecordBuffer buffer;
  append_subscription_put(buffer, 5, in);
  const auto out = decode_subscription_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->filter, in.filter);
  EXPECT_EQ(out->routed_filter, in.routed_filter);
  EXPECT_EQ(out->options, in.options);
  EXPECT_EQ(out->subscription_identifier, in.subscription_identifier);
  EXPECT_EQ(out->rules, in.rules);
}

TEST(Records, AMessageComesBackWithItsPropertiesAndTimes) {
  mqtt::PropertyWriter properties;
  properties.put(mqtt::PropertyId::kContentType, std::string_view("text/plain"));
  properties.put_pair("k", "v");
  mqtt::MessageView fields;
  fields.topic = "a/b";
  fields.payload = as_bytes(std::string_view("\0\x01payload", 9));
  fields.properties = properties.view();
  fields.qos = mqtt::QoS::kExactlyOnce;
  fields.retain = true;
  fields.expires_at = WallTime(Millis(1'800'000'000'000));
  fields.received_at = WallTime(Millis(1'700'000'000'000));
  fields.hops = 2;
  fields.origin = 0x1'0000'0002;
  RecordBuffer buffer;
  append_message_put(buffer, 12, *mqtt::Message::make(fields));
  const auto out = decode_message_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ((*out)->topic(), "a/b");
  EXPECT_EQ(as_text((*out)->payload()), as_text(fields.payload));
  EXPECT_EQ((*out)->properties().text(mqtt::PropertyId::kContentType), "text/plain");
  EXPECT_TRUE((*out)->properties().has(mqtt::PropertyId::kUserProperty));
  EXPECT_EQ((*out)->qos(), mqtt::QoS::kExactlyOnce);
  EXPECT_TRUE((*out)->retain());
  EXPECT_EQ((*out)->expires_at(), fields.expires_at);
  EXPECT_EQ((*out)->received_at(), fields.received_at);
  EXPECT_EQ((*out)->hops(), 2);
  EXPECT_EQ((*out)->origin(), 0x1'0000'0002u);
}

TEST(Records, AQueueEntryComesBackWithItsSubscriptionIdentifiers) {
  session::QueueRecord in = entry(4, message("a"));
  in.effective_qos = mqtt::QoS::kExactlyOnce;
  in.retain = true;
  in.subscription_identifiers = {1, 268'435'455};
  RecordBuffer buffer;
  append_queue_put(buffer, 3, in, 99);
  const auto out = decode_queue_put(parsed(buffer));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->first.position, 4u);
  EXPECT_EQ(out->first.effective_qos, mqtt::QoS::kExactlyOnce);
  EXPECT_TRUE(out->first.retain);
  EXPECT_FALSE(out->first.released);
  EXPECT_EQ(out->first.subscription_identifiers, in.subscription_identifiers);
  EXPECT_EQ(out->second, 99u);
}

TEST(Records, AWillKeepsWhenItIsDue) {
  RecordBuffer buffer;
  append_will_put(buffer, 3, WallTime(Millis(1'700'000'000'000)), *message("will"));
  const auto out = decode_will_put(parsed(buffer));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->second, WallTime(Millis(1'700'000'000'000)));
  EXPECT_EQ(from_record_time(to_record_time(kNeverWall)), kNeverWall);
}

/// Decodes whatever a record says it is.
bool decodes(const RecordView& record) {
  switch (record.kind()) {
    case RecordKind::kSessionPut:
      return decode_session_put(record).ok();
    case RecordKind::kSubscriptionPut:
      return decode_subscription_put(record).ok();
    case RecordKind::kMessagePut:
      return decode_message_put(record).ok();
    case RecordKind::kQueuePut:
      return decode_queue_put(record).ok();
    default:
      return false;
  }
}

std::vector<std::string> one_of_each() {
  const std::vector<std::function<void(RecordBuffer&)>> writers = {
      [](RecordBuffer& out) { append_session_put(out, full_session()); },
      [](RecordBuffer& out) {
        session::SubscriptionRecord record;
        record.filter = record.routed_filter = "a/#";
        record.rules = {{{false, "a/b"}}};
        append_subscription_put(out, 1, record);
      },
      [](RecordBuffer& out) { append_message_put(out, 1, *message("a")); },
      [](RecordBuffer& out) {
        auto record = entry(1, message("a"));
        record.subscription_identifiers = {7};
        append_queue_put(out, 1, record, 1);
      }};
  std::vector<std::string> all;
  for (const auto& write : writers) {
    RecordBuffer buffer;
    write(buffer);
    all.emplace_back(as_text(buffer.view()));
  }
  return all;
}

TEST(Records, ARecordCutAnywhereIsRefused) {
  for (const std::string& whole : one_of_each()) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      std::string cut = whole.substr(0, size);
      EXPECT_FALSE(RecordView::parse(as_bytes(cut)));
      if (size < sizeof(RecordHeader) || size % 8 != 0) continue;
      const auto claimed = static_cast<std::uint32_t>(size);
      std::memcpy(cut.data(), &claimed, sizeof claimed);
      const auto record = RecordView::parse(as_bytes(cut));
      EXPECT_FALSE(record && decodes(*record)) << size;
    }
  }
}

TEST(Records, NoChangedByteReachesOutsideItsRecord) {
  for (const std::string& whole : one_of_each()) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int bit : {0, 1, 6, 7}) {
        // Copied to the heap at its exact size, so that a sanitizer sees any step outside.
        const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[whole.size()]);
        std::memcpy(bytes.get(), whole.data(), whole.size());
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1u << bit));
        const auto record = RecordView::parse({bytes.get(), whole.size()});
        if (record && record->is_known()) decodes(*record);
      }
    }
  }
}

TEST(Records, ABodyOfANewerFormatIsRefusedAndAnExtendedOneIsRead) {
  const std::string whole = one_of_each()[0];
  const auto header = RecordView::parse(as_bytes(whole));
  const std::size_t body = header->as<hooks::SessionPutRecord>().body.offset;
  std::string extended = whole;
  constexpr char kNewer = kSessionBody.written + 1;
  extended[body] = kNewer;
  EXPECT_TRUE(decode_session_put(*RecordView::parse(as_bytes(extended))));
  extended[body + 1] = kNewer;
  EXPECT_FALSE(decode_session_put(*RecordView::parse(as_bytes(extended))));
}

TEST(Records, ATopicWithAWildcardOrBadUtf8IsRefused) {
  // [MQTT-3.3.2-2], [MQTT-1.5.4-1]
  for (const std::string topic : {"a/+", "a/#", "\xff", "", "a\xc0\x80"}) {
    RecordBuffer buffer;
    append_message_put(buffer, 1, *message(topic));
    EXPECT_FALSE(decode_message_put(parsed(buffer))) << topic;
  }
}

}  // namespace
}  // namespace mortise::storage
