/* Eclipse Paho (C) against Mortise: `paho_client PORT`. Ends with status 0 when everything came as it should. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMessages = 100, kTimeoutMs = 30000 };

static char url[64];

/* Paho 1.3.12 keeps what it allocated for a session of MQTT 5; with LeakSanitizer only our own leaks count. */
const char* __lsan_default_suppressions(void);
const char* __lsan_default_suppressions(void) { return "leak:libpaho-mqtt3c"; }

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

/* Connects; *session_present says what CONNACK said. */
static MQTTClient connect_client(const char* id, int version, int clean, int expiry, int* session_present) {
  MQTTClient client = NULL;
  MQTTClient_createOptions creation = MQTTClient_createOptions_initializer;
  creation.MQTTVersion = version;
  EXPECT(MQTTClient_createWithOptions(&client, url, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &creation) ==
         MQTTCLIENT_SUCCESS);
  if (version == MQTTVERSION_5) {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    options.cleanstart = clean;
    options.maxInflightMessages = kMessages;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty interval = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};
    interval.value.integer4 = (unsigned)expiry;
    EXPECT(MQTTProperties_add(&properties, &interval) == 0);
    MQTTResponse response = MQTTClient_connect5(client, &options, &properties, NULL);
    EXPECT(response.reasonCode == MQTTREASONCODE_SUCCESS);
    if (session_present != NULL) *session_present = options.returned.sessionPresent;
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
  } else {
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    options.MQTTVersion = version;
    options.cleansession = clean;
    options.reliable = 0; /* more than one at a time */
    options.maxInflightMessages = kMessages;
    EXPECT(MQTTClient_connect(client, &options) == MQTTCLIENT_SUCCESS);
    if (session_present != NULL) *session_present = options.returned.sessionPresent;
  }
  return client;
}

static void end_client(MQTTClient client) {
  MQTTClient_disconnect(client, 1000);
  MQTTClient_destroy(&client);
}

static void subscribe(MQTTClient client, int version, const char* filter, int qos) {
  if (version == MQTTVERSION_5) {
    MQTTResponse response = MQTTClient_subscribe5(client, filter, qos, NULL, NULL);
    EXPECT((int)response.reasonCode == qos);
    MQTTResponse_free(response);
  } else {
    EXPECT(MQTTClient_subscribe(client, filter, qos) == MQTTCLIENT_SUCCESS);
  }
}

/* The token, for those at QoS 1 and 2. */
static MQTTClient_deliveryToken start_publish(MQTTClient client, int version, const char* topic, const char* payload,
                                              int qos, int retained) {
  MQTTClient_message message = MQTTClient_message_initializer;
  message.payload = (void*)payload;
  message.payloadlen = (int)strlen(payload);
  message.qos = qos;
  message.retained = retained;
  MQTTClient_deliveryToken token = 0;
  if (version == MQTTVERSION_5) {
    MQTTResponse response = MQTTClient_publishMessage5(client, topic, &message, &token);
    EXPECT(response.reasonCode == MQTTREASONCODE_SUCCESS);
    MQTTResponse_free(response);
  } else {
    EXPECT(MQTTClient_publishMessage(client, topic, &message, &token) == MQTTCLIENT_SUCCESS);
  }
  return token;
}

/* Waits until it is acknowledged. Paho looks ten times a second: not for every one of many. */
static void publish(MQTTClient client, int version, const char* topic, const char* payload, int qos, int retained) {
  const MQTTClient_deliveryToken token = start_publish(client, version, topic, payload, qos, retained);
  if (qos > 0) EXPECT(MQTTClient_waitForCompletion(client, token, kTimeoutMs) == MQTTCLIENT_SUCCESS);
}

static void expect_message(MQTTClient client, const char* topic, const char* payload, int qos, int retained) {
  char* got_topic = NULL;
  int topic_size = 0;
  MQTTClient_message* message = NULL;
  const int status = MQTTClient_receive(client, &got_topic, &topic_size, &message, kTimeoutMs);
  EXPECT(status == MQTTCLIENT_SUCCESS || status == MQTTCLIENT_TOPICNAME_TRUNCATED);
  EXPECT(message != NULL);
  EXPECT(strcmp(got_topic, topic) == 0);
  EXPECT(message->payloadlen == (int)strlen(payload) && memcmp(message->payload, payload, strlen(payload)) == 0);
  EXPECT(message->qos == qos && message->retained == retained);
  MQTTClient_freeMessage(&message);
  MQTTClient_free(got_topic);
}

static const char* number(int value) {
  static char text[16];
  snprintf(text, sizeof text, "%d", value);
  return text;
}

/* "0", "1", ... */
static void publish_numbers(MQTTClient client, int version, const char* topic, int qos) {
  MQTTClient_deliveryToken last = 0;
  for (int i = 0; i < kMessages; ++i) last = start_publish(client, version, topic, number(i), qos, 0);
  if (qos > 0) EXPECT(MQTTClient_waitForCompletion(client, last, kTimeoutMs) == MQTTCLIENT_SUCCESS);
}

static void every_qos(int version) {
  MQTTClient subscriber = connect_client("paho-sub", version, 1, 0, NULL);
  MQTTClient publisher = connect_client("paho-pub", version, 1, 0, NULL);
  for (int qos = 0; qos <= 2; ++qos) {
    char topic[16];
    snprintf(topic, sizeof topic, "paho/%d", qos);
    subscribe(subscriber, version, topic, qos);
    publish_numbers(publisher, version, topic, qos);
    for (int i = 0; i < kMessages; ++i) expect_message(subscriber, topic, number(i), qos, 0);
  }
  end_client(subscriber);
  end_client(publisher);
}

static void retained_message(int version) {
  MQTTClient client = connect_client("paho-ret", version, 1, 0, NULL);
  publish(client, version, "kept/paho", "value", 2, 1);
  subscribe(client, version, "kept/+", 2);
  expect_message(client, "kept/paho", "value", 2, 1);
  publish(client, version, "kept/paho", "", 2, 1);
  end_client(client);
}

static void kept_session(int version) {
  int session_present = 1;
  MQTTClient client = connect_client("paho-stay", version, 0, 3600, &session_present);
  EXPECT(session_present == 0);
  subscribe(client, version, "missed", 2);
  end_client(client);
  MQTTClient publisher = connect_client("paho-pub", version, 1, 0, NULL);
  publish_numbers(publisher, version, "missed", 2);
  client = connect_client("paho-stay", version, 0, 3600, &session_present);
  if (version == MQTTVERSION_3_1_1)
    EXPECT(session_present == 1); /* 3.1 has no such flag, Paho tells it for 3.1.1 only */
  for (int i = 0; i < kMessages; ++i) expect_message(client, "missed", number(i), 2, 0);
  end_client(client);
  end_client(connect_client("paho-stay", version, 1, 0, NULL));
  end_client(publisher);
}

static void take_over(int version) {
  MQTTClient first = connect_client("paho-twin", version, 1, 0, NULL);
  MQTTClient second = connect_client("paho-twin", version, 1, 0, NULL);
  /* Receiving is where a synchronous client notices that its connection ended. */
  char* topic = NULL;
  int topic_size = 0;
  MQTTClient_message* message = NULL;
  while (MQTTClient_isConnected(first)) MQTTClient_receive(first, &topic, &topic_size, &message, 100);
  subscribe(second, version, "twin", 1);
  publish(second, version, "twin", "here", 1, 0);
  expect_message(second, "twin", "here", 1, 0);
  MQTTClient_destroy(&first);
  end_client(second);
}

/* 5.0 section 3.14.2.1: Disconnect with Will Message. */
static void will_on_request(void) {
  MQTTClient watcher = connect_client("paho-watch", MQTTVERSION_5, 1, 0, NULL);
  subscribe(watcher, MQTTVERSION_5, "wills/paho", 1);
  MQTTClient client = NULL;
  MQTTClient_createOptions creation = MQTTClient_createOptions_initializer;
  creation.MQTTVersion = MQTTVERSION_5;
  EXPECT(MQTTClient_createWithOptions(&client, url, "paho-will", MQTTCLIENT_PERSISTENCE_NONE, NULL, &creation) ==
         MQTTCLIENT_SUCCESS);
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
  MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
  will.topicName = "wills/paho";
  will.message = "said";
  will.qos = 1;
  options.will = &will;
  MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);
  EXPECT(response.reasonCode == MQTTREASONCODE_SUCCESS);
  MQTTResponse_free(response);
  EXPECT(MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_DISCONNECT_WITH_WILL_MESSAGE, NULL) == MQTTCLIENT_SUCCESS);
  expect_message(watcher, "wills/paho", "said", 1, 0);
  MQTTClient_destroy(&client);
  end_client(watcher);
}

static void shared_subscription(void) {
  MQTTClient one = connect_client("paho-one", MQTTVERSION_5, 1, 0, NULL);
  MQTTClient other = connect_client("paho-other", MQTTVERSION_5, 1, 0, NULL);
  subscribe(one, MQTTVERSION_5, "$share/paho/work", 1);
  subscribe(other, MQTTVERSION_5, "$share/paho/work", 1);
  MQTTClient publisher = connect_client("paho-pub", MQTTVERSION_5, 1, 0, NULL);
  publish_numbers(publisher, MQTTVERSION_5, "work", 1);
  end_client(publisher);
  MQTTClient clients[] = {one, other};
  int counts[] = {0, 0};
  int seen[kMessages] = {0};
  while (counts[0] + counts[1] < kMessages) {
    for (int who = 0; who < 2; ++who) {
      char* topic = NULL;
      int topic_size = 0;
      MQTTClient_message* message = NULL;
      MQTTClient_receive(clients[who], &topic, &topic_size, &message, 20);
      if (message == NULL) continue;
      char text[16] = {0};
      EXPECT(message->payloadlen < (int)sizeof text);
      memcpy(text, message->payload, (size_t)message->payloadlen);
      EXPECT(++seen[atoi(text)] == 1);
      ++counts[who];
      MQTTClient_freeMessage(&message);
      MQTTClient_free(topic);
    }
  }
  EXPECT(counts[0] > 0 && counts[1] > 0);
  end_client(one);
  end_client(other);
}

int main(int argc, char** argv) {
  EXPECT(argc == 2);
  snprintf(url, sizeof url, "tcp://127.0.0.1:%s", argv[1]);
  const int versions[] = {MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; ++i) {
    printf("version %d\n", versions[i]);
    every_qos(versions[i]);
    retained_message(versions[i]);
    kept_session(versions[i]);
    take_over(versions[i]);
  }
  will_on_request();
  shared_subscription();
  printf("done\n");
  return 0;
}
