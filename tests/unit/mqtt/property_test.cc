#include "broker/mqtt/property.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

using namespace std::string_literals;

constexpr PropertyPlaces kPublish = place(PacketType::kPublish);
constexpr PropertyPlaces kSubscribe = place(PacketType::kSubscribe);

std::string bytes_of(std::uint32_t number, int size) {
  std::string out;
  for (int i = size - 1; i >= 0; --i) out += static_cast<char>((number >> (8 * i)) & 0xFF);
  return out;
}

/// A property of this row with a value it may have, encoded by hand.
std::string sample(const PropertyRow& row, std::uint32_t number) {
  const std::string id(1, static_cast<char>(row.id));
  switch (row.type) {
    case PropertyType::kByte:
      return id + bytes_of(number, 1);
    case PropertyType::kTwoByteInteger:
      return id + bytes_of(number, 2);
    case PropertyType::kFourByteInteger:
      return id + bytes_of(number, 4);
    case PropertyType::kVariableByteInteger:
      return id + (number < 128 ? bytes_of(number, 1) : "\xFF\xFF\xFF\x7F"s);
    case PropertyType::kUtf8:
    case PropertyType::kBinary:
      return id + "\x00\x03"s + "a/b";
    case PropertyType::kUtf8Pair:
      return id + "\x00\x01k\x00\x02vw"s;
  }
  return {};
}

bool is_number(const PropertyRow& row) { return row.maximum != 0; }

std::vector<PropertyPlaces> all_places() {
  std::vector<PropertyPlaces> places = {kWillProperties};
  for (unsigned type = 1; type <= 15; ++type) places.push_back(place(static_cast<PacketType>(type)));
  return places;
}

/// One test per row of table 2-4.
class EachProperty : public testing::TestWithParam<PropertyRow> {};

INSTANTIATE_TEST_SUITE_P(Table, EachProperty, testing::ValuesIn(property_table().begin(), property_table().end()),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::erase(name, ' ');
                           return name;
                         });

TEST_P(EachProperty, IsFoundByItsIdentifier) {
  const PropertyRow* row = find_property(static_cast<std::uint32_t>(GetParam().id));
  ASSERT_NE(row, nullptr);
  EXPECT_STREQ(row->name, GetParam().name);
}

TEST_P(EachProperty, StandsWhereTheTableSaysAndNowhereElse) {
  const std::string encoded = sample(GetParam(), GetParam().minimum);
  for (const PropertyPlaces where : all_places()) {
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), where);
    EXPECT_EQ(properties.ok(), (GetParam().places & where) != 0) << where;
    if (!properties) {
      const bool is_request = where == place(PacketType::kSubscribe) || where == place(PacketType::kUnsubscribe);
      EXPECT_EQ(properties.error().reason, is_request ? ReasonCode::kMalformedPacket : ReasonCode::kProtocolError);
    }
  }
}

TEST_P(EachProperty, StandsTwiceOnlyWhereItMay) {
  const std::string encoded = sample(GetParam(), GetParam().maximum) + sample(GetParam(), GetParam().minimum);
  for (const PropertyPlaces where : all_places()) {
    if ((GetParam().places & where) == 0) continue;
    const bool may_repeat = GetParam().id == PropertyId::kUserProperty ||
                            (GetParam().id == PropertyId::kSubscriptionIdentifier && where == kPublish);
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), where);
    EXPECT_EQ(properties.ok(), may_repeat);
    if (properties) continue;
    EXPECT_EQ(properties.error().reason, ReasonCode::kProtocolError);
    EXPECT_STREQ(properties.error().statement, GetParam().statement);
  }
}

TEST_P(EachProperty, HasTheLimitsOfTheTable) {
  if (!is_number(GetParam())) return;
  const PropertyPlaces where = GetParam().places;
  for (const std::uint32_t number : {GetParam().minimum, GetParam().maximum}) {
    const std::string encoded = sample(GetParam(), number);
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), where);
    ASSERT_TRUE(properties);
    EXPECT_EQ(properties->number(GetParam().id), number);
  }
  const bool is_byte = GetParam().type == PropertyType::kByte;
  std::vector<std::uint32_t> outside;
  if (GetParam().minimum > 0) outside.push_back(GetParam().minimum - 1);
  if (is_byte) outside.push_back(GetParam().maximum + 1);
  for (const std::uint32_t number : outside) {
    const std::string encoded = sample(GetParam(), number);
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), where);
    ASSERT_FALSE(properties);
    EXPECT_EQ(properties.error().reason, GetParam().out_of_range);
    EXPECT_STREQ(properties.error().statement, GetParam().statement);
  }
}

TEST_P(EachProperty, IsRefusedWhenItIsCut) {
  const std::string encoded = sample(GetParam(), GetParam().maximum);
  for (std::size_t size = 1; size < encoded.size(); ++size) {
    const std::string cut = encoded.substr(0, size);
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(cut), GetParam().places);
    ASSERT_FALSE(properties) << size;
    EXPECT_EQ(properties.error().reason, ReasonCode::kMalformedPacket);
  }
}

TEST_P(EachProperty, IsWrittenAsItIsRead) {
  const std::string encoded = sample(GetParam(), GetParam().maximum);
  const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), GetParam().places);
  ASSERT_TRUE(properties);
  PropertyWriter writer;
  properties->for_each([&](const PropertyView& property) { writer.put(property); });
  EXPECT_EQ(as_text(writer.view().encoded()), encoded);
  EXPECT_EQ(writer.view().present(), properties->present());
}

TEST(Properties, AreTheTwentySevenOfTable24InOrder) {
  EXPECT_EQ(property_table().size(), 27u);
  std::set<unsigned> ids;
  for (const PropertyRow& row : property_table()) {
    EXPECT_TRUE(ids.empty() || *ids.rbegin() < static_cast<unsigned>(row.id));
    ids.insert(static_cast<unsigned>(row.id));
  }
}

TEST(Properties, ThatDoNotExistAreNotFoundAndRefused) {
  int found = 0;
  for (std::uint32_t id = 0; id < 1000; ++id) found += find_property(id) != nullptr;
  EXPECT_EQ(found, 27);
  EXPECT_EQ(find_property(std::numeric_limits<std::uint32_t>::max()), nullptr);
  for (const std::string& encoded :
       {"\x00\x00"s, "\x04\x00"s, "\x2B\x00"s, "\x7F\x00"s, "\xFF\x01"s, "\xFF\xFF\xFF\x7F"s}) {
    const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), kPublish);
    ASSERT_FALSE(properties);
    EXPECT_EQ(properties.error().reason, ReasonCode::kMalformedPacket);
    EXPECT_STREQ(properties.error().statement, "5.0 2.2.2.2");
  }
}

TEST(Properties, OfAnEmptyListAreAbsent) {
  const Result<PropertiesView, Refusal> properties = PropertiesView::decode({}, kPublish);
  ASSERT_TRUE(properties);
  EXPECT_TRUE(properties->empty());
  for (const PropertyRow& row : property_table()) {
    EXPECT_FALSE(properties->has(row.id));
    EXPECT_FALSE(properties->number(row.id));
    EXPECT_FALSE(properties->text(row.id));
    EXPECT_FALSE(properties->binary(row.id));
  }
}

TEST(Properties, AreLookedUpAmongOthers) {
  PropertyWriter writer;
  writer.put_pair("name", "value");
  writer.put(PropertyId::kContentType, "text/plain");
  writer.put(PropertyId::kCorrelationData, as_bytes("\x00\xFF"s));
  writer.put(PropertyId::kTopicAlias, 7u);
  writer.put(PropertyId::kSubscriptionIdentifier, 300u);
  const Result<PropertiesView, Refusal> properties = PropertiesView::decode(writer.view().encoded(), kPublish);
  ASSERT_TRUE(properties);
  EXPECT_EQ(properties->text(PropertyId::kContentType), "text/plain");
  EXPECT_EQ(as_text(*properties->binary(PropertyId::kCorrelationData)), "\x00\xFF"s);
  EXPECT_EQ(properties->number(PropertyId::kTopicAlias), 7u);
  EXPECT_EQ(properties->number(PropertyId::kSubscriptionIdentifier), 300u);
  EXPECT_EQ(properties->find(PropertyId::kUserProperty)->value, "value");
  EXPECT_FALSE(properties->has(PropertyId::kResponseTopic));
}

TEST(Properties, KeepTheOrderOfUserProperties) {  // [MQTT-3.3.2-18]
  PROVES("5.0 MQTT-3.3.2-18");
  PropertyWriter writer;
  for (const char* value : {"1", "2", "1", ""}) writer.put_pair("k", value);
  const Result<PropertiesView, Refusal> properties = PropertiesView::decode(writer.view().encoded(), kPublish);
  ASSERT_TRUE(properties);
  std::string values;
  properties->for_each([&](const PropertyView& property) { values += std::string(property.value) + ","; });
  EXPECT_EQ(values, "1,2,1,,");
}

TEST(Properties, OfSubscribeHoldOneSubscriptionIdentifier) {
  const std::string two = "\x0B\x01\x0B\x02";
  EXPECT_TRUE(PropertiesView::decode(as_bytes(two), kPublish));
  EXPECT_FALSE(PropertiesView::decode(as_bytes(two), kSubscribe));
}

TEST(Properties, GiveTheBytesOfEach) {
  const std::string encoded = "\x01\x01\x23\x00\x05\x26\x00\x01k\x00\x01v"s;
  const Result<PropertiesView, Refusal> properties = PropertiesView::decode(as_bytes(encoded), kPublish);
  ASSERT_TRUE(properties);
  std::vector<std::string> parts;
  properties->for_each_encoded([&](PropertyId, ByteView bytes) { parts.emplace_back(as_text(bytes)); });
  EXPECT_EQ(parts, (std::vector<std::string>{"\x01\x01"s, "\x23\x00\x05"s, "\x26\x00\x01k\x00\x01v"s}));
}

TEST(PropertyWriter, IsEmptyAgainWhenCleared) {
  PropertyWriter writer;
  writer.put(PropertyId::kReasonString, "why");
  EXPECT_FALSE(writer.empty());
  writer.clear();
  EXPECT_TRUE(writer.empty());
  EXPECT_FALSE(writer.view().has(PropertyId::kReasonString));
}

TEST(PropertyWriterDeathTest, RefusesWhatCannotBeSaid) {
  PropertyWriter writer;
  EXPECT_DEATH(writer.put(PropertyId::kReasonString, 1u), "CHECK");
  EXPECT_DEATH(writer.put(PropertyId::kMaximumQoS, 2u), "CHECK");
  EXPECT_DEATH(writer.put(PropertyId::kTopicAlias, "text"), "CHECK");
  EXPECT_DEATH(writer.put(PropertyId::kReasonString, std::string(65'536, 'x')), "CHECK");
}

}  // namespace
}  // namespace mortise::mqtt
