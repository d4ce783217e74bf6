#include "schema.h"

#include <string>

namespace store_sqlite {
namespace {

constexpr std::int64_t kApplicationId = 0x4d6f7274;  // "Mort"
constexpr std::int64_t kSchemaVersion = 1;

/// Times are milliseconds since 1970, NULL is never. `body` columns are the broker's own.
constexpr const char* kCreate = R"sql(
CREATE TABLE state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last_operation INTEGER NOT NULL,
  next_session INTEGER NOT NULL,
  next_message INTEGER NOT NULL,
  body BLOB NOT NULL);
INSERT INTO state VALUES (1, 0, 0, 0, x'');
CREATE TABLE sessions (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  client_id TEXT NOT NULL,
  name_space TEXT NOT NULL,
  expires_at INTEGER,
  body BLOB NOT NULL);
CREATE TABLE subscriptions (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  filter TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (session, filter));
CREATE TABLE messages (
  number INTEGER PRIMARY KEY,
  refs INTEGER NOT NULL,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE queue (
  session INTEGER NOT NULL,
  position INTEGER NOT NULL,
  message INTEGER NOT NULL,
  expires_at INTEGER,
  qos INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  state INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (session, position)) WITHOUT ROWID;
CREATE TABLE inbound (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  packet_id INTEGER NOT NULL,
  UNIQUE (session, packet_id));
CREATE TABLE retained (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL UNIQUE,
  expires_at INTEGER,
  payload BLOB NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE wills (
  session INTEGER PRIMARY KEY,
  due_at INTEGER,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE unknown (
  number INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  session INTEGER NOT NULL,
  record BLOB NOT NULL);
)sql";

[[noreturn]] void refuse(const Connection& connection, const std::string& why) {
  throw mortise::Error(connection.path() + ": " + why);
}

void create(Connection& connection) {
  connection.execute("BEGIN IMMEDIATE");
  connection.execute(kCreate);
  connection.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  connection.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  connection.execute("COMMIT");
}

}  // namespace

void prepare_schema(Connection& connection) {
  const std::int64_t application = connection.number("PRAGMA application_id");
  const std::int64_t version = connection.number("PRAGMA user_version");
  if (application == 0 && version == 0 && connection.number("SELECT count(*) FROM sqlite_schema") == 0) {
    create(connection);
    return;
  }
  if (application != kApplicationId) refuse(connection, "is an SQLite database of another program: give another path");
  if (version > kSchemaVersion) {
    refuse(connection, "was written by a newer store-sqlite (schema " + std::to_string(version) + ", this one knows " +
                           std::to_string(kSchemaVersion) + "): install that version, or give another path");
  }
  if (version != kSchemaVersion || connection.number("SELECT count(*) FROM state") != 1)
    throw mortise::Error(connection.path() + ": its tables are not those of a store: move it away or restore a copy",
                         mortise::Status::e_corrupt);
}

Statements::Statements(const Connection& c)
    : begin(c, "BEGIN IMMEDIATE"),
      commit(c, "COMMIT"),
      rollback(c, "ROLLBACK"),
      applied_put(c, "UPDATE state SET last_operation = ?1"),
      mark_put(c, "UPDATE state SET next_session = ?1, next_message = ?2, body = ?3"),
      mark_get(c, "SELECT last_operation, next_session, next_message, body FROM state"),
      session_put(
          c,
          "INSERT INTO sessions (number, key, client_id, name_space, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
          " ON CONFLICT (number) DO UPDATE SET key = excluded.key, client_id = excluded.client_id,"
          " name_space = excluded.name_space, expires_at = excluded.expires_at, body = excluded.body"),
      session_of_key(c, "SELECT number FROM sessions WHERE key = ?1 AND number <> ?2"),
      session_remove(c, "DELETE FROM sessions WHERE number = ?1"),
      sessions(c,
               "SELECT number, key, client_id, name_space, expires_at, body FROM sessions WHERE number > ?1 ORDER BY "
               "number"),
      subscription_put(c,
                       "INSERT INTO subscriptions (session, filter, body) VALUES (?1, ?2, ?3)"
                       " ON CONFLICT (session, filter) DO UPDATE SET body = excluded.body"),
      subscription_remove(c, "DELETE FROM subscriptions WHERE session = ?1 AND filter = ?2"),
      subscriptions_remove(c, "DELETE FROM subscriptions WHERE session = ?1"),
      subscriptions(c, "SELECT id, session, filter, body FROM subscriptions WHERE id > ?1 ORDER BY id"),
      message_put(c,
                  "INSERT OR REPLACE INTO messages (number, refs, topic, payload, body) VALUES (?1, ?2, ?3, ?4, ?5)"),
      message_size(c, "SELECT length(CAST(topic AS BLOB)) + length(payload) FROM messages WHERE number = ?1"),
      message_remove_last(c, "DELETE FROM messages WHERE number = ?1 AND refs <= 1"),
      message_drop(c, "UPDATE messages SET refs = refs - 1 WHERE number = ?1"),
      queue_put(c,
                "INSERT INTO queue (session, position, message, expires_at, qos, flags, state, bytes, body)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING"),
      queue_state(c, "UPDATE queue SET state = ?3 WHERE session = ?1 AND position = ?2"),
      queue_remove(c, "DELETE FROM queue WHERE session = ?1 AND position BETWEEN ?2 AND ?3 RETURNING message"),
      queue_fetch(c,
                  "SELECT q.position, q.message, q.expires_at, q.qos, q.flags, q.state, q.body,"
                  " m.refs, m.topic, m.payload, m.body FROM queue q JOIN messages m ON m.number = q.message"
                  " WHERE q.session = ?1 AND q.position > ?2 ORDER BY q.position"),
      queue_summaries(c,
                      "SELECT session, min(position), max(position), count(*), sum(bytes) FROM queue"
                      " WHERE session > ?1 GROUP BY session ORDER BY session"),
      inbound_put(c, "INSERT INTO inbound (session, packet_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING"),
      inbound_remove(c, "DELETE FROM inbound WHERE session = ?1 AND packet_id = ?2"),
      inbounds_remove(c, "DELETE FROM inbound WHERE session = ?1"),
      inbounds(c, "SELECT id, session, packet_id FROM inbound WHERE id > ?1 ORDER BY id"),
      retained_put(c,
                   "INSERT INTO retained (topic, expires_at, payload, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
                   "(topic) DO UPDATE"
                   " SET expires_at = excluded.expires_at, payload = excluded.payload, body = excluded.body"),
      retained_remove(c, "DELETE FROM retained WHERE topic = ?1"),
      retained(c, "SELECT id, topic, expires_at, payload, body FROM retained WHERE id > ?1 ORDER BY id"),
      will_put(c, "INSERT OR REPLACE INTO wills (session, due_at, topic, payload, body) VALUES (?1, ?2, ?3, ?4, ?5)"),
      will_remove(c, "DELETE FROM wills WHERE session = ?1"),
      wills(c, "SELECT session, due_at, topic, payload, body FROM wills WHERE session > ?1 ORDER BY session"),
      unknown_put(c, "INSERT OR REPLACE INTO unknown (number, kind, session, record) VALUES (?1, ?2, ?3, ?4)"),
      unknowns(c, "SELECT number, record FROM unknown WHERE number > ?1 ORDER BY number") {}

}  // namespace store_sqlite
