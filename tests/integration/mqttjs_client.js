// MQTT.js against Mortise: `node mqttjs_client.js URL`, mqtt: or ws:. Ends with status 0 when everything came as it should.
"use strict";
const assert = require("assert");
const mqtt = require("mqtt");

const url = process.argv[2];
const open = new Set();

function connect(options) {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  open.add(client);
  client.received = [];
  client.waiting = [];
  client.on("message", (topic, payload, packet) => {
    client.received.push({ topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain,
                           properties: packet.properties });
    client.waiting.splice(0).forEach((check) => check());
  });
  return new Promise((resolve, reject) => {
    client.once("connect", (connack) => { client.connack = connack; resolve(client); });
    client.once("error", reject);
  });
}
const subscribe = (client, filter, options) => new Promise((resolve, reject) =>
  client.subscribe(filter, options, (error, granted) => (error ? reject(error) : resolve(granted))));
const publish = (client, topic, payload, options) => new Promise((resolve, reject) =>
  client.publish(topic, payload, options, (error) => (error ? reject(error) : resolve())));
const end = (client, force = false) => new Promise((resolve) => { open.delete(client); client.end(force, {}, resolve); });
const closed = (client) => new Promise((resolve) => client.once("close", resolve));
const messages = (client, count) => new Promise((resolve) => {
  const check = () => (client.received.length >= count ? resolve(client.received.splice(0)) : client.waiting.push(check));
  check();
});
const payloads = (list) => list.map((message) => message.payload);

async function everyQos(version) {
  const subscriber = await connect(version);
  const publisher = await connect(version);
  for (const qos of [0, 1, 2]) {
    const granted = await subscribe(subscriber, `q${qos}/#`, { qos });
    assert.strictEqual(granted[0].qos, qos);
    const sent = [...Array(100).keys()].map(String);
    await Promise.all(sent.map((payload) => publish(publisher, `q${qos}/x`, payload, { qos })));
    const got = await messages(subscriber, 100);
    assert.deepStrictEqual(payloads(got), sent);
    assert.ok(got.every((message) => message.qos === qos && !message.retain));
  }
  await end(subscriber);
  await end(publisher);
}

async function retained(version) {
  const client = await connect(version);
  await publish(client, "kept/js", "value", { qos: 1, retain: true });
  await subscribe(client, "kept/+", { qos: 1 });
  const [message] = await messages(client, 1);
  assert.ok(message.retain && message.payload === "value");
  await publish(client, "kept/js", "", { qos: 1, retain: true });
  await end(client);
}

async function will(version) {
  const watcher = await connect(version);
  await subscribe(watcher, "wills/js", { qos: 1 });
  const dying = await connect({ ...version, will: { topic: "wills/js", payload: "gone", qos: 1, retain: false } });
  dying.stream.destroy();  // no DISCONNECT
  assert.deepStrictEqual(payloads(await messages(watcher, 1)), ["gone"]);
  const leaving = await connect({ ...version, will: { topic: "wills/js", payload: "not said", qos: 1, retain: false } });
  await end(leaving);
  await publish(watcher, "wills/js", "end", { qos: 1 });
  assert.deepStrictEqual(payloads(await messages(watcher, 1)), ["end"]);
  open.delete(dying);
  await end(watcher);
}

async function takeOver(version) {
  const first = await connect({ ...version, clientId: "twin-js" });
  const gone = closed(first);
  const second = await connect({ ...version, clientId: "twin-js" });
  await gone;
  await subscribe(second, "twin", { qos: 1 });
  await publish(second, "twin", "here", { qos: 1 });
  assert.deepStrictEqual(payloads(await messages(second, 1)), ["here"]);
  open.delete(first);
  await end(second);
}

async function keptSession(version) {
  const stay = { ...version, clientId: "stay-js", clean: false };
  if (version.protocolVersion === 5) stay.properties = { sessionExpiryInterval: 3600 };
  const before = await connect(stay);
  assert.strictEqual(before.connack.sessionPresent, false);
  await subscribe(before, "missed/#", { qos: 2 });
  await end(before);
  const publisher = await connect(version);
  const sent = [...Array(300).keys()].map(String);
  for (const payload of sent) await publish(publisher, "missed/x", payload, { qos: 1 + (Number(payload) % 2) });
  const after = await connect(stay);
  // 3.1 has no such flag.
  assert.strictEqual(after.connack.sessionPresent, version.protocolVersion > 3);
  const got = await messages(after, 300);
  // MQTT.js hands QoS 2 messages out at PUBREL, so the order is that of each QoS.
  for (const qos of [1, 2]) {
    assert.deepStrictEqual(payloads(got.filter((message) => message.qos === qos)),
                           sent.filter((payload) => 1 + (Number(payload) % 2) === qos));
  }
  await end(after);
  await end(await connect({ ...version, clientId: "stay-js", clean: true }));
  await end(publisher);
}

async function sharedSubscription(version) {
  const members = [await connect(version), await connect(version)];
  for (const member of members) await subscribe(member, "$share/js/work", { qos: 1 });
  const publisher = await connect(version);
  for (let i = 0; i < 50; ++i) await publish(publisher, "work", String(i), { qos: 1 });
  const all = () => members.reduce((sum, member) => sum + member.received.length, 0);
  while (all() < 50) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(members.every((member) => member.received.length > 0));
  const got = members.flatMap((member) => payloads(member.received)).map(Number).sort((a, b) => a - b);
  assert.deepStrictEqual(got, [...Array(50).keys()]);
  for (const client of [...members, publisher]) await end(client);
}

async function properties() {
  const client = await connect({ protocolVersion: 5 });
  await subscribe(client, "props", { qos: 1, properties: { subscriptionIdentifier: 42 } });
  await publish(client, "props", "x", { qos: 1, properties: { contentType: "text/plain", responseTopic: "answers",
    correlationData: Buffer.from([0, 255]), messageExpiryInterval: 100, userProperties: { a: ["1", "2"], b: "3" } } });
  const [{ properties: got }] = await messages(client, 1);
  assert.strictEqual(got.contentType, "text/plain");
  assert.strictEqual(got.responseTopic, "answers");
  assert.deepStrictEqual(got.correlationData, Buffer.from([0, 255]));
  assert.ok(got.messageExpiryInterval <= 100);
  assert.deepStrictEqual({ ...got.userProperties }, { a: ["1", "2"], b: "3" });
  assert.ok([].concat(got.subscriptionIdentifier).includes(42));
  await end(client);
}

async function main() {
  for (const version of [{ protocolVersion: 3, protocolId: "MQIsdp" }, { protocolVersion: 4 }, { protocolVersion: 5 }]) {
    for (const scenario of [everyQos, retained, will, takeOver, keptSession, sharedSubscription]) {
      console.log(`${scenario.name}, protocol version ${version.protocolVersion}`);
      await scenario(version);
    }
  }
  console.log("properties, protocol version 5");
  await properties();
  assert.strictEqual(open.size, 0);
  console.log("done");
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
