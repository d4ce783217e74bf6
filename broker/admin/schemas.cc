#include "broker/admin/openapi.h"

namespace mortise::admin {

namespace {

// What reports.cc and the routes make, as JSON Schema; the tests hold every answer against it.
constexpr const char* kSchemas = R"json({
"Anything": {"type": "object"},
"Error": {"type": "object", "required": ["error"], "additionalProperties": false, "properties": {
  "error": {"type": "object", "required": ["status", "message"], "additionalProperties": false, "properties": {
    "status": {"type": "integer"}, "message": {"type": "string"}}}}},
"Health": {"type": "object", "required": ["status"], "additionalProperties": false,
  "properties": {"status": {"type": "string", "enum": ["live", "ready"]}}},
"Status": {"type": "object", "additionalProperties": false, "required": ["version", "node", "uptime_seconds", "loops",
    "connections", "clients", "sessions", "subscriptions", "shared_subscriptions", "retained_messages", "retained_bytes",
    "queued_messages", "queued_bytes"],
  "properties": {"version": {"type": "string"}, "node": {"type": "string"}, "uptime_seconds": {"type": "integer"},
    "loops": {"type": "integer"}, "connections": {"type": "integer"}, "clients": {"type": "integer"},
    "sessions": {"type": "integer"}, "subscriptions": {"type": "integer"}, "shared_subscriptions": {"type": "integer"},
    "retained_messages": {"type": "integer"}, "retained_bytes": {"type": "integer"},
    "queued_messages": {"type": "integer"}, "queued_bytes": {"type": "integer"}}},
"Certificate": {"type": "object", "nullable": true, "additionalProperties": false,
  "required": ["subject", "common_name", "subject_alternative_name", "fingerprint_sha256"],
  "properties": {"subject": {"type": "string"}, "common_name": {"type": "string"},
    "subject_alternative_name": {"type": "string"}, "fingerprint_sha256": {"type": "string"}}},
"Session": {"type": "object", "additionalProperties": false, "required": ["client_id", "namespace", "user_name",
    "connected", "protocol_version", "listener", "peer_address", "peer_port", "connected_at", "keep_alive_seconds",
    "session_expiry_interval_seconds", "session_expires_at", "subscriptions", "queued_messages", "queued_bytes",
    "unwritten_bytes", "durable", "has_will", "topic_prefix", "topic_suffix", "certificate"],
  "properties": {"client_id": {"type": "string"}, "namespace": {"type": "string"},
    "user_name": {"type": "string", "nullable": true}, "connected": {"type": "boolean"},
    "protocol_version": {"type": "string", "enum": ["3.1", "3.1.1", "5.0"]}, "listener": {"type": "string"},
    "peer_address": {"type": "string"}, "peer_port": {"type": "integer"},
    "connected_at": {"type": "string", "format": "date-time", "nullable": true},
    "keep_alive_seconds": {"type": "integer"},
    "session_expiry_interval_seconds": {"type": "integer", "nullable": true, "description": "null: it never ends"},
    "session_expires_at": {"type": "string", "format": "date-time", "nullable": true},
    "subscriptions": {"type": "integer"}, "queued_messages": {"type": "integer"}, "queued_bytes": {"type": "integer"},
    "unwritten_bytes": {"type": "integer"}, "durable": {"type": "boolean"}, "has_will": {"type": "boolean"},
    "topic_prefix": {"type": "string"}, "topic_suffix": {"type": "string"},
    "certificate": {"$ref": "#/components/schemas/Certificate"}}},
"SessionList": {"type": "object", "required": ["items", "next"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/Session"}},
  "next": {"type": "string", "nullable": true}}},
"Dismissed": {"type": "object", "required": ["disconnected", "session_ended"], "additionalProperties": false,
  "properties": {"disconnected": {"type": "boolean"}, "session_ended": {"type": "boolean"}}},
"Subscription": {"type": "object", "additionalProperties": false, "required": ["filter", "routed_filter", "share_name",
    "maximum_qos", "no_local", "retain_as_published", "retain_handling", "subscription_identifier"],
  "properties": {"filter": {"type": "string"}, "routed_filter": {"type": "string"},
    "share_name": {"type": "string", "nullable": true}, "maximum_qos": {"type": "integer", "minimum": 0, "maximum": 2},
    "no_local": {"type": "boolean"}, "retain_as_published": {"type": "boolean"},
    "retain_handling": {"type": "integer", "minimum": 0, "maximum": 2},
    "subscription_identifier": {"type": "integer", "nullable": true}}},
"SubscriptionList": {"type": "object", "required": ["items", "next"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/Subscription"}},
  "next": {"type": "string", "nullable": true}}},
"NewBan": {"type": "object", "required": ["kind", "what"], "additionalProperties": false, "properties": {
  "kind": {"type": "string", "enum": ["client_id", "user_name", "peer_address"]}, "what": {"type": "string"},
  "seconds": {"type": "integer", "minimum": 1, "description": "for how long; for ever without it"},
  "reason": {"type": "string", "maxLength": 1024}}},
"Ban": {"type": "object", "required": ["kind", "what", "until", "reason"], "additionalProperties": false, "properties": {
  "kind": {"type": "string", "enum": ["client_id", "user_name", "peer_address"]}, "what": {"type": "string"},
  "until": {"type": "string", "format": "date-time", "nullable": true}, "reason": {"type": "string"}}},
"BanList": {"type": "object", "required": ["items"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/Ban"}}}},
"Lifted": {"type": "object", "required": ["lifted"], "additionalProperties": false,
  "properties": {"lifted": {"type": "boolean"}}},
"TopicLevelList": {"type": "object", "required": ["items", "next"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"type": "object", "required": ["level", "here", "has_more_below"],
    "additionalProperties": false, "properties": {"level": {"type": "string"},
      "here": {"type": "integer", "description": "retained messages, or subscriptions, whose topic ends here"},
      "has_more_below": {"type": "boolean"}}}},
  "next": {"type": "string", "nullable": true}}},
"Properties": {"type": "object", "additionalProperties": false, "properties": {
  "payload_format_indicator": {"type": "integer", "minimum": 0, "maximum": 1}, "content_type": {"type": "string"},
  "response_topic": {"type": "string"}, "correlation_data_base64": {"type": "string", "format": "byte"},
  "message_expiry_interval_seconds": {"type": "integer", "minimum": 1},
  "user_properties": {"oneOf": [
    {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}}},
    {"type": "object", "additionalProperties": {"type": "string"}}]}}},
"RetainedMessage": {"type": "object", "additionalProperties": false, "required": ["topic", "qos", "payload_bytes",
    "received_at", "expires_at"],
  "properties": {"topic": {"type": "string"}, "qos": {"type": "integer", "minimum": 0, "maximum": 2},
    "payload_bytes": {"type": "integer"}, "received_at": {"type": "string", "format": "date-time", "nullable": true},
    "expires_at": {"type": "string", "format": "date-time", "nullable": true},
    "properties": {"$ref": "#/components/schemas/Properties"},
    "payload": {"type": "string", "description": "when it is UTF-8"},
    "payload_base64": {"type": "string", "format": "byte", "description": "when it is not"}}},
"RetainedList": {"type": "object", "required": ["items", "next"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/RetainedMessage"}},
  "next": {"type": "string", "nullable": true}}},
"Deleted": {"type": "object", "required": ["deleted"], "additionalProperties": false,
  "properties": {"deleted": {"type": "boolean"}}},
"Publish": {"type": "object", "required": ["topic"], "additionalProperties": false, "properties": {
  "topic": {"type": "string"}, "payload": {"type": "string"}, "payload_base64": {"type": "string", "format": "byte"},
  "qos": {"type": "integer", "minimum": 0, "maximum": 2}, "retain": {"type": "boolean"},
  "properties": {"$ref": "#/components/schemas/Properties"}}},
"Accepted": {"type": "object", "required": ["accepted"], "additionalProperties": false,
  "properties": {"accepted": {"type": "boolean"}}},
"Counts": {"type": "object", "additionalProperties": {"type": "integer"}},
"Plugin": {"type": "object", "additionalProperties": false, "required": ["name", "plugin", "version", "library", "run",
    "concurrent", "hooks"],
  "properties": {"name": {"type": "string"}, "plugin": {"type": "string"}, "version": {"type": "string"},
    "library": {"type": "string"}, "run": {"type": "string", "enum": ["inline", "process"]},
    "concurrent": {"type": "boolean"}, "hooks": {"type": "array", "items": {"type": "string"}},
    "calls": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": false,
      "required": ["calls", "bytes_shown", "verdicts", "failures", "latency_p50_ns", "latency_p99_ns"],
      "properties": {"calls": {"type": "integer"}, "bytes_shown": {"type": "integer"},
        "verdicts": {"$ref": "#/components/schemas/Counts"}, "failures": {"$ref": "#/components/schemas/Counts"},
        "latency_p50_ns": {"type": "integer"}, "latency_p99_ns": {"type": "integer"}}}},
    "violations": {"$ref": "#/components/schemas/Counts"}, "refusals": {"$ref": "#/components/schemas/Counts"},
    "counters": {"$ref": "#/components/schemas/Counts"}, "pending_tokens": {"type": "integer"},
    "owned_handles": {"type": "integer"}, "events_queued": {"type": "integer"}, "events_dropped": {"type": "integer"},
    "intents_dropped": {"type": "integer"}, "bad_records": {"type": "integer"}}},
"PluginList": {"type": "object", "required": ["items"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"$ref": "#/components/schemas/Plugin"}}}},
"ListenerList": {"type": "object", "required": ["items"], "additionalProperties": false, "properties": {
  "items": {"type": "array", "items": {"type": "object", "required": ["url", "connections"],
    "additionalProperties": false,
    "properties": {"url": {"type": "string"}, "connections": {"type": "integer"}}}}}},
"Reload": {"type": "object", "required": ["applied", "needs_restart"], "additionalProperties": false, "properties": {
  "applied": {"type": "array", "items": {"type": "string"}},
  "needs_restart": {"type": "array", "items": {"type": "string"}}}}
})json";

}  // namespace

const Json& schemas() {
  static const Json kParsed = Json::parse(kSchemas);
  return kParsed;
}

}  // namespace mortise::admin
