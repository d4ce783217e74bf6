"""Eclipse Paho (Python) against Mortise: `paho_python_client.py PORT`. Says done and ends with status 0 when everything came as it
should. For the system's own Python, which Debian's python3-paho-mqtt belongs to."""

import queue
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PORT = int(sys.argv[1])
DEADLINE = 60  # seconds for anything that must happen
VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5.0": mqtt.MQTTv5}


def properties(packet_type, **values):
    made = Properties(packet_type)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Client:
    """One of Paho's with its loop in a thread; what it hears is waited for."""

    def __init__(self, version, client_id, clean=True, expiry=0, will=None):
        self.is_v5 = version == mqtt.MQTTv5
        self.messages = queue.Queue()
        self.acknowledged = {}
        self.changed = threading.Condition()
        self.connack = self.session_present = None
        self.paho = mqtt.Client(client_id, protocol=version, **({} if self.is_v5 else {"clean_session": clean}))
        self.paho.on_connect = self.on_connect
        self.paho.on_message = lambda _, __, message: self.messages.put(message)
        self.paho.on_subscribe = self.on_acknowledged
        self.paho.on_unsubscribe = self.on_acknowledged
        self.paho.on_disconnect = lambda *_: self.note("gone")
        if will is not None:
            self.paho.will_set(**will)
        extra = {}
        if self.is_v5:
            extra = {"clean_start": clean, "properties": properties(PacketTypes.CONNECT, SessionExpiryInterval=expiry)}
        self.paho.connect("127.0.0.1", PORT, keepalive=60, **extra)
        self.paho.loop_start()
        self.wait(lambda: self.connack is not None)
        assert self.connack == 0, self.connack

    def note(self, what, value=True):
        with self.changed:
            self.acknowledged[what] = value
            self.changed.notify_all()

    def wait(self, is_so):
        with self.changed:
            assert self.changed.wait_for(is_so, DEADLINE)

    def on_connect(self, _, __, flags, code, ___=None):
        with self.changed:
            self.connack = getattr(code, "value", code)
            self.session_present = bool(flags["session present"])
            self.changed.notify_all()

    def on_acknowledged(self, _, __, packet_id, *codes):
        granted = [getattr(code, "value", code) for part in codes if isinstance(part, (list, tuple)) for code in part]
        self.note(packet_id, granted)

    def subscribe(self, topic, qos=0, **options):
        how = {"options": SubscribeOptions(qos=qos, **options)} if self.is_v5 else {"qos": qos}
        packet_id = self.paho.subscribe(topic, **how)[1]
        self.wait(lambda: packet_id in self.acknowledged)
        return self.acknowledged[packet_id]

    def unsubscribe(self, topic):
        packet_id = self.paho.unsubscribe(topic)[1]
        self.wait(lambda: packet_id in self.acknowledged)

    def publish(self, topic, payload, qos=0, retain=False, **values):
        extra = {"properties": properties(PacketTypes.PUBLISH, **values)} if values else {}
        self.paho.publish(topic, payload, qos, retain, **extra).wait_for_publish(DEADLINE)

    def next(self):
        return self.messages.get(timeout=DEADLINE)

    def hears_nothing_else(self):
        """Proved by a message of its own that comes next."""
        self.subscribe("fence/#", 1)
        self.publish("fence/" + self.paho._client_id.decode(), "fence", 1)
        message = self.next()
        assert message.payload == b"fence", (message.topic, message.payload)
        self.unsubscribe("fence/#")

    def leave(self):
        self.paho.disconnect()
        self.wait(lambda: "gone" in self.acknowledged)
        self.paho.loop_stop()

    def vanish(self):
        """Without DISCONNECT."""
        self.paho.loop_stop()
        self.paho.socket().close()


def every_qos(name, version, other):
    subscriber = Client(version, "subscriber")
    publisher = Client(other, "publisher")
    for qos in (0, 1, 2):
        assert subscriber.subscribe(f"{name}/q{qos}/#", qos) == [qos]
        for number in range(100):
            publisher.publish(f"{name}/q{qos}/x", str(number), qos)
        got = [subscriber.next() for _ in range(100)]
        assert [message.payload for message in got] == [str(number).encode() for number in range(100)]
        assert all(message.qos == qos and not message.retain and not message.dup for message in got)
    subscriber.hears_nothing_else()
    subscriber.leave()
    publisher.leave()


def retained(name, version):
    client = Client(version, "keeper")
    client.publish(f"{name}/kept", "value", 1, retain=True)
    client.subscribe(f"{name}/+", 1)
    message = client.next()
    assert message.retain and message.payload == b"value"
    client.publish(f"{name}/kept", "", 1, retain=True)
    assert client.next().payload == b""
    client.leave()
    client = Client(version, "keeper")
    client.subscribe(f"{name}/+", 1)
    client.hears_nothing_else()
    client.leave()


def sessions(name, version):
    client = Client(version, f"stays-{name}", clean=False, expiry=3600)
    assert not client.session_present
    client.subscribe(f"{name}/queue", 2)
    client.leave()
    publisher = Client(version, "publisher")
    for number in range(20):
        publisher.publish(f"{name}/queue", str(number), 1 + number % 2)
    publisher.leave()
    client = Client(version, f"stays-{name}", clean=False, expiry=3600)
    assert client.session_present or version == mqtt.MQTTv31
    # Each QoS is a flow of its own, with its own order.
    got = [client.next() for _ in range(20)]
    assert [message.payload for message in got if message.qos == 1] == [str(number).encode() for number in range(0, 20, 2)]
    assert [message.payload for message in got if message.qos == 2] == [str(number).encode() for number in range(1, 20, 2)]
    client.hears_nothing_else()
    client.leave()
    Client(version, f"stays-{name}").leave()
    client = Client(version, f"stays-{name}", clean=False, expiry=3600)
    assert not client.session_present
    client.leave()


def wills(name, version):
    watcher = Client(version, "watcher")
    watcher.subscribe(f"{name}/will", 1)
    will = {"topic": f"{name}/will", "payload": "gone", "qos": 1}
    Client(version, "doomed", will=will).vanish()
    message = watcher.next()
    assert message.payload == b"gone" and message.qos == 1
    Client(version, "polite", will=will).leave()
    watcher.hears_nothing_else()
    watcher.leave()


def version_5():
    client = Client(mqtt.MQTTv5, "five")
    assert client.subscribe("p/#", 1, noLocal=False, retainAsPublished=True) == [1]
    client.publish("p/x", "text", 1, retain=True, ContentType="text/plain", ResponseTopic="p/answers", CorrelationData=b"\0\1",
                   PayloadFormatIndicator=1, MessageExpiryInterval=100, UserProperty=[("a", "1"), ("a", "2"), ("b", "")])
    message = client.next()
    said = message.properties
    assert message.retain and said.ContentType == "text/plain" and said.ResponseTopic == "p/answers"
    assert said.CorrelationData == b"\0\1" and said.PayloadFormatIndicator == 1 and said.MessageExpiryInterval <= 100
    assert said.UserProperty == [("a", "1"), ("a", "2"), ("b", "")]
    client.publish("p/x", "", 1, retain=True)
    client.next()
    client.subscribe("mine", 1, noLocal=True)
    client.publish("mine", "not for me", 1)
    client.hears_nothing_else()
    assert client.subscribe("$share/g/shared", 1) == [1]
    other = Client(mqtt.MQTTv5, "six")
    other.messages = client.messages
    assert other.subscribe("$share/g/shared", 1) == [1]
    for number in range(10):
        client.publish("shared", str(number), 1)
    got = [client.next().payload for _ in range(10)]
    assert sorted(got) == sorted(str(number).encode() for number in range(10))
    client.leave()
    other.leave()


def main():
    for name, version in VERSIONS.items():
        for other in VERSIONS.values():
            every_qos(name, version, other)
        retained(name, version)
        sessions(name, version)
        wills(name, version)
    version_5()
    print("done")


main()
