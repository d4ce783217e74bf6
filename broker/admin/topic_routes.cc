#include <charconv>

#include "broker/admin/reports.h"
#include "broker/admin/routes.h"
#include "broker/base/bytes.h"
#include "broker/mqtt/topic.h"

namespace mortise::admin {

namespace {

using mqtt::PropertyId;

constexpr mqtt::TopicLimits kAnyTopic{0, mqtt::kMaximumStringSize};

constexpr Parameter kTopicParameters[] = {
    {"of", ParameterType::kText, "retained (without it) or subscriptions."},
    {"under", ParameterType::kText, "The levels above, as in a/b; without it the first levels."},
    {"limit", ParameterType::kNumber, "Most levels, 1 to 1000; 100 without it."},
    {"cursor", ParameterType::kText, "Where to go on: `next` of the page before."},
};
constexpr Parameter kRetainedParameters[] = {
    {"filter", ParameterType::kText, "A Topic Filter; # without it."},
    {"limit", ParameterType::kNumber, "Most messages of a page, 1 to 1000; 100 without it."},
    {"cursor", ParameterType::kText, "Where to go on: `next` of the page before, with the same filter."},
};

Response list_topics(const Call& call) {
  const auto most = page_size(call);
  if (!most) return error_response(400, most.error().message);
  const std::string of = call.if_given("of").value_or("retained");
  if (of != "retained" && of != "subscriptions")
    return error_response(400, "the parameter of is " + quoted(of, 32) + "; allowed: retained, subscriptions");
  const Tree tree = of == "retained" ? Tree::kRetained : Tree::kSubscriptions;
  const Result<routing::LevelPage> page =
      call.broker.levels(tree, call.if_given("under"), call.if_given("cursor"), *most);
  if (!page) return unavailable(page.error());
  Json items = Json::array();
  for (const routing::TopicLevel& level : page->levels)
    items.push_back({{"level", level.text}, {"here", level.here}, {"has_more_below", level.has_more_below}});
  Json next;
  if (!page->is_last && !page->levels.empty()) next = page->levels.back().text;
  return page_response(std::move(items), std::move(next));
}

// ---- Retained messages ----------------------------------------------------------------------------------------------

/// "17:/a/b". A cursor of another filter would lead astray: its path must be one that this filter has.
std::optional<routing::RetainedCursor> parse_cursor(const std::string& text, const std::string& filter) {
  routing::RetainedCursor cursor;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, cursor.from);
  if (number.ec != std::errc{} || number.ptr == end || *number.ptr != ':') return std::nullopt;
  cursor.path.assign(number.ptr + 1, end);
  if (!cursor.path.empty() && !cursor.path.starts_with('/')) return std::nullopt;
  const auto levels = std::ranges::count(cursor.path, '/');
  const bool is_within = filter.ends_with('#') || levels <= std::ranges::count(filter, '/') + 1;
  return is_within ? std::optional(cursor) : std::nullopt;
}

Response list_retained(const Call& call) {
  const auto most = page_size(call);
  if (!most) return error_response(400, most.error().message);
  const std::string filter = call.if_given("filter").value_or("#");
  const auto parsed_filter = mqtt::parse_topic_filter(filter, kAnyTopic);
  if (!parsed_filter)
    return error_response(400, "the parameter filter is no Topic Filter: " + std::string(parsed_filter.error().what));
  if (parsed_filter->is_shared())
    return error_response(400, "a shared subscription gets no retained messages; use the filter behind its share name");
  routing::RetainedCursor from;
  if (const auto text = call.if_given("cursor")) {
    const auto parsed = parse_cursor(*text, filter);
    if (!parsed)
      return error_response(400,
                            "the cursor " + quoted(*text, 64) + " is none of this filter; use next of the page before");
    from = *parsed;
  }
  const Result<RetainedList> found = call.broker.retained(filter, std::move(from), *most);
  if (!found) return unavailable(found.error());
  Json items = Json::array();
  for (const mqtt::MessagePtr& message : found->messages) items.push_back(message_json(*message, false));
  Json next;
  if (found->next) next = std::to_string(found->next->from) + ":" + found->next->path;
  return page_response(std::move(items), std::move(next));
}

/// The retained message of the topic in the path. Errors: the answer that says why there is none.
Result<mqtt::MessagePtr, Response> find_retained(const Call& call) {
  const std::string& topic = call.in_path("topic");
  if (const auto checked = mqtt::check_topic_name(topic, kAnyTopic); !checked)
    return failure(error_response(400, quoted(topic, 128) + " is no Topic Name: " + checked.error().what));
  const Result<RetainedList> found = call.broker.retained(topic, {}, 1);
  if (!found) return failure(unavailable(found.error()));
  if (found->messages.empty()) return failure(error_response(404, "nothing is retained for " + quoted(topic, 128)));
  return found->messages.front();
}

Response get_retained(const Call& call) {
  const auto found = find_retained(call);
  return found ? json_response(message_json(**found, true)) : found.error();
}

Response publish_message(const Call& call, const mqtt::MessageView& fields, const char* says) {
  if (!call.broker.publish(mqtt::Message::make(fields)))
    return error_response(503, "too much waits to be published; try again a little later");
  return json_response({{says, true}}, 202);
}

Response delete_retained(const Call& call) {
  const std::string& topic = call.in_path("topic");
  if (topic.starts_with('$')) return error_response(400, "topics that begin with $ are the broker's own");
  const auto found = find_retained(call);
  if (!found) return found.error();
  mqtt::MessageView fields;  // [MQTT-3.3.1-6] an empty one removes
  fields.topic = topic;
  fields.retain = true;
  fields.received_at = wall_now();
  return publish_message(call, fields, "deleted");
}

// ---- Publish --------------------------------------------------------------------------------------------------------

/// What stands in the body of a publish; `fields` points at the rest. For a call.
struct PublishingView {
  std::string topic, payload;
  mqtt::PropertyWriter properties;
  mqtt::MessageView fields;
};

bool is_property_text(std::string_view text) {
  return text.size() <= mqtt::kMaximumStringSize && mqtt::is_valid_utf8(text) &&
         text.find('\0') == std::string_view::npos;
}

void read_properties(Fields& fields, PublishingView& made) {
  if (const auto format = fields.number("payload_format_indicator", 0, 1)) {
    made.properties.put(PropertyId::kPayloadFormatIndicator, static_cast<std::uint32_t>(*format));
    if (*format == 1 && !mqtt::is_valid_utf8(made.payload)) fields.refuse("the payload is said to be UTF-8 and is not");
  }
  if (const auto seconds = fields.number("message_expiry_interval_seconds", 1, 0xFFFFFFFF))
    made.fields.expires_at = wall_now() + Seconds(static_cast<std::int64_t>(*seconds));
  if (const auto type = fields.text("content_type")) {
    if (!is_property_text(*type)) fields.refuse("the field \"properties.content_type\" is no text of MQTT");
    made.properties.put(PropertyId::kContentType, std::string_view(*type));
  }
  if (const auto topic = fields.text("response_topic")) {
    if (!mqtt::check_topic_name(*topic, kAnyTopic))
      fields.refuse("the field \"properties.response_topic\" is no Topic Name");
    made.properties.put(PropertyId::kResponseTopic, std::string_view(*topic));
  }
  if (const auto text = fields.text("correlation_data_base64")) {
    const auto bytes = from_base64(*text);
    if (!bytes || bytes->size() > mqtt::kMaximumStringSize)
      fields.refuse("the field \"properties.correlation_data_base64\" is no base64 of at most 65535 bytes");
    made.properties.put(PropertyId::kCorrelationData, as_bytes(bytes.value_or("")));
  }
  for (const auto& [name, value] : fields.pairs("user_properties")) {
    if (!is_property_text(name) || !is_property_text(value))
      fields.refuse("the field \"properties.user_properties\" has what is no text of MQTT");
    made.properties.put_pair(name, value);
  }
}

/// Empty: nothing is wrong.
std::string read_publish(const Call& call, PublishingView& made) {
  Fields fields(call.request.body);
  made.topic = fields.required_text("topic");
  const auto text = fields.text("payload");
  const auto encoded = fields.text("payload_base64");
  if (text && encoded) fields.refuse("there are both \"payload\" and \"payload_base64\"; keep one");
  const auto decoded = encoded ? from_base64(*encoded) : text;
  if (encoded && !decoded) fields.refuse("the field \"payload_base64\" is no base64");
  made.payload = decoded.value_or("");
  made.fields.qos = static_cast<mqtt::QoS>(fields.number("qos", 0, 2).value_or(0));
  made.fields.retain = fields.flag("retain", false);
  if (const Json* object = fields.object("properties")) {
    Fields properties(*object, "properties.");
    read_properties(properties, made);
    if (const std::string wrong = properties.wrong(); !wrong.empty()) fields.refuse(wrong);
  }
  if (std::string wrong = fields.wrong(); !wrong.empty()) return wrong;
  if (const auto checked = mqtt::check_topic_name(made.topic, kAnyTopic); !checked)
    return "the field \"topic\" is no Topic Name: " + std::string(checked.error().what);
  if (made.topic.starts_with('$')) return "topics that begin with $ are the broker's own";
  if (made.payload.size() + made.topic.size() > call.broker.settings().mqtt.max_packet_size)
    return "the message is larger than mqtt.max_packet_size";
  made.fields.topic = made.topic;
  made.fields.payload = as_bytes(made.payload);
  made.fields.properties = made.properties.view();
  made.fields.received_at = wall_now();
  return {};
}

Response publish(const Call& call) {
  PublishingView made;
  if (const std::string wrong = read_publish(call, made); !wrong.empty()) return error_response(400, wrong);
  return publish_message(call, made.fields, "accepted");
}

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/topics", "The levels right below one place, of retained messages or of subscriptions.",
     list_topics, kTopicParameters, nullptr, "TopicLevelList", kListErrors},
    {"GET", "/api/v1/retained", "Retained messages that a filter matches, without their payloads.", list_retained,
     kRetainedParameters, nullptr, "RetainedList", kListErrors},
    {"GET",
     "/api/v1/retained/{topic}",
     "One retained message with its payload; a slash in the topic is %2F.",
     get_retained,
     {},
     nullptr,
     "RetainedMessage",
     kOneErrors},
    {"DELETE",
     "/api/v1/retained/{topic}",
     "Deletes a retained message, as publishing an empty one does.",
     delete_retained,
     {},
     nullptr,
     "Deleted",
     kOneErrors,
     202},
    {"POST",
     "/api/v1/publish",
     "Publishes a message. It is on its way when this is answered.",
     publish,
     {},
     "Publish",
     "Accepted",
     kListErrors,
     202},
};

}  // namespace

StaticList<Route> topic_routes() { return kRoutes; }

}  // namespace mortise::admin
