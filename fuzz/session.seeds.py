"""Writes corpus/session/ and dict/session.dict: scripts, and their parts, in the bytes that session.cc reads. Run it after changing what the
target reads.

What each byte means is in session.cc; the tables here follow its tables.
"""
import pathlib
import re

OPERATIONS = ["connect", "subscribe", "unsubscribe", "publish", "owed_front", "owed_any", "wrong", "disconnect", "drop", "stop_reading", "read_on",
              "advance", "answer", "durable", "pages", "store", "plugin_intent", "credit", "ping", "raw", "accept", "owed_all"]
TENANTS, RIGHTS, LATE, AUTHENTICATES, ON_ITS_WAY, POLICY_NEXT, EXCHANGES = 1, 2, 4, 8, 16, 32, 64
STORE, STOP_ACKS, MEMORY_ONLY, ANY_USER = 4, 8, 16, 64
V5, V311, V31 = 0, 1, 2
A1, B1, A2, ASSIGNED = range(4)
FILTERS = ["a", "#", "a/+", "a/#", "+/b", "secret", "$x/#", "$share/g/#", "$share/g/a/+", "$share/h/a", "b", "$share/h/#", "$SYS/#", "a//+", "+"]
TOPICS = ["a", "a/b", "a/c", "b", "secret", "denied/x", "$x/a", "$SYS/a"]
NEVER, HALF_MINUTE, SECOND, FOREVER = range(4)  # Session Expiry Interval
MILLIS = [10, 900, 4100, 16_000, 61_000, 200_000_000, 1000, 8000]
FRESH_ID = 0


def op(name, device, *arguments):
    return bytes([OPERATIONS.index(name), device, *arguments])


def connect(device, client_id, version=V5, clean=False, expiry=FOREVER, keep_alive=False, will=None, limits=None, drops=False):
    """drops: the connection that the device has; will: (qos, retain, delay or None, topic); limits: indexes of Receive Maximum, Maximum Packet Size, user."""
    how = clean | keep_alive << 1 | (limits is not None) << 2
    more = [*limits] if limits is not None else []
    if will is not None:
        qos, retain, delay, topic = will
        # Bits 5 and up, modulo 3; bit 7 is RETAIN.
        high = next(high for high in range(8) if high % 3 == qos and high >> 2 == retain)
        how |= 8 | (delay is not None) << 4 | high << 5
        more += ([delay] if delay is not None else []) + [TOPICS.index(topic)]
    return op("connect", device, drops, version, client_id, how, expiry, *more)


def subscribe(device, *filters, qos=2, how=0, identifier=0):
    count = len(filters) - 1 + 3 * identifier
    how = next(low for low in range(256) if low % 3 == qos and low & 12 == how & 12 and low // 16 % 3 == how // 16 % 3)
    return op("subscribe", device, FRESH_ID, count, *(byte for name in filters for byte in (FILTERS.index(name), how)))


def unsubscribe(device, name):
    return op("unsubscribe", device, FRESH_ID, 0, FILTERS.index(name))


def publish(device, topic, qos=0, retain=False, payload=None, alias=None, expiry=None, packet_id=FRESH_ID, dup=False):
    low = next(low for low in range(256) if low % 3 == qos and low & 0x7C == retain << 2 | dup << 3 | (payload is not None) << 4 |
               (alias is not None) << 5 | (expiry is not None) << 6)
    more = [packet_id] if qos else []
    more += [payload] if payload is not None else []
    more += [TOPICS.index(topic)]
    more += [alias] if alias is not None else []
    more += [expiry] if expiry is not None else []
    return op("publish", device, low, *more)


def advance(millis):
    return op("advance", 0, MILLIS.index(millis))


def settings(hooks=0, loops=1, store=0, limits=0, queue=0, late=0xFF):
    where = next(low for low in range(256) if low % 3 == loops - 1 and (low & 4) == (store & STORE) and
                 (low >> 3) % 3 == (2 if store & MEMORY_ONLY else 1 if store & STOP_ACKS else 0) and low & 64 == store & ANY_USER)
    return bytes([hooks, late, where, limits, queue])


def auth(device, again=False, method=0):
    """With EXCHANGES; whoever connects with a keep alive has an Authentication Method then."""
    return op("ping", device, again, method)


def three_qos(device, topic):
    return b"".join(publish(device, topic, qos=qos) for qos in range(3))


def flood(device):
    return b"".join(publish(device, topic, qos=qos) for topic in ("a", "a/b", "b") for qos in (0, 1, 2)) * 2


EMPTY, LONG = 1, 254  # payloads
ACK_ALL = b"".join(op("owed_all", device) for device in range(5))
ANSWER_ALL = b"".join(op("answer", 0, which) for which in (0, 64) * 4)
PAIR = connect(0, A1) + connect(1, A2, V311) + subscribe(0, "a/#") + subscribe(1, "#", qos=1)


def scripts():
    for loops in (1, 2, 3):
        one = settings(loops=loops)
        yield f"plain-{loops}", one + PAIR + three_qos(1, "a/b") + ACK_ALL * 2 + unsubscribe(0, "a/#") + three_qos(1, "a") + op("disconnect", 0, 0)
        yield f"drop-and-return-{loops}", one + PAIR + three_qos(1, "a") + op("drop", 0) + flood(1) + \
            connect(0, A1) + ACK_ALL + op("drop", 0) + connect(0, A1) + ACK_ALL * 2
        yield f"take-over-{loops}", one + PAIR + three_qos(1, "a/b") + connect(2, A1) + ACK_ALL + connect(3, A1, V311) + three_qos(1, "a") + ACK_ALL
        yield f"wills-{loops}", one + connect(0, A1, will=(2, 1, 5, "a")) + connect(1, B1, will=(1, 0, None, "a/b")) + connect(2, A2) + \
            subscribe(2, "#") + op("drop", 0) + op("disconnect", 1, 1) + advance(4100) + advance(1000) + ACK_ALL * 2 + connect(3, ASSIGNED) + subscribe(3, "a")
        yield f"shared-{loops}", one + connect(0, A1) + connect(1, B1) + connect(2, A2) + subscribe(0, "$share/g/#") + subscribe(1, "$share/g/#") + \
            subscribe(2, "$share/h/#", "a") + three_qos(2, "a") * 3 + ACK_ALL + op("drop", 0) + op("drop", 1) + three_qos(2, "a") * 2 + connect(1, B1) + ACK_ALL * 2
        yield f"retained-{loops}", one + connect(0, A1) + publish(0, "a", 1, retain=True) + publish(0, "a/b", 2, retain=True, payload=LONG) + op("owed_all", 0) + \
            connect(1, B1) + subscribe(1, "#", how=8) + publish(0, "a", 0, retain=True, payload=EMPTY) + subscribe(1, "#", "a", how=16) + subscribe(0, "#", how=4) + ACK_ALL
        stored = settings(loops=loops, store=STORE)
        yield f"store-{loops}", stored + PAIR + op("durable", 0, 0) + three_qos(1, "a") + op("durable", 0, 1) + op("drop", 0) + three_qos(1, "a/b") * 2 + \
            op("durable", 0, 0) + connect(0, A1) + op("durable", 0, 0) + op("pages", 0, 0) + ACK_ALL + op("durable", 0, 0) + ACK_ALL
        yield f"store-fails-{loops}", stored + PAIR + op("durable", 0, 0) + op("store", 0, 1) + three_qos(1, "a") + connect(2, B1) + op("pages", 0, 3) + op("store", 0, 0) + \
            op("durable", 0, 0) + connect(2, B1) + ACK_ALL
        yield f"store-shared-{loops}", stored + connect(0, A1) + connect(1, A2) + subscribe(0, "$share/g/#") + op("durable", 0, 0) + op("drop", 0) + three_qos(1, "a") * 3 + \
            op("durable", 0, 0) + connect(0, A1) + op("durable", 0, 0) + op("pages", 0, 0) + ACK_ALL + op("durable", 0, 0) + ACK_ALL
        everything = settings(TENANTS | RIGHTS | LATE | AUTHENTICATES, loops)
        yield f"late-answers-{loops}", everything + connect(0, A1) + ANSWER_ALL + connect(1, B1) + ANSWER_ALL + subscribe(0, "#", "secret") + ANSWER_ALL + \
            three_qos(0, "a") + ANSWER_ALL + publish(0, "denied/x", 1) + op("plugin_intent", 0, 1) + ANSWER_ALL + op("drop", 0) + ANSWER_ALL
        proofs = b"".join(auth(device) for device in (0, 1, 2)) * 2
        for name, hooks in (("exchanges", EXCHANGES), ("late-exchanges", EXCHANGES | LATE), ("exchanges-on-their-way", EXCHANGES | LATE | ON_ITS_WAY | RIGHTS)):
            three = b"".join(connect(device, client_id, keep_alive=True) + ANSWER_ALL for device, client_id in ((0, A1), (1, B1), (2, A2)))
            yield f"{name}-{loops}", settings(hooks, loops, late=0x55) + three + proofs + ANSWER_ALL + proofs + ANSWER_ALL + subscribe(0, "a/#") + ANSWER_ALL + \
                auth(0, True) + auth(1, True) + auth(2, True) + three_qos(1, "a/b") + ANSWER_ALL + proofs + ANSWER_ALL + auth(0, True) + connect(3, A1, keep_alive=True) + \
                auth(1, True) + op("drop", 1) + auth(2, True, 3) + connect(4, B1, keep_alive=True) + advance(16_000)
        yield f"never-answered-{loops}", everything + connect(0, A1) + advance(4100) + connect(1, A1) + connect(2, A1) + ANSWER_ALL + advance(8000)
    for name, hooks in (("tenants", TENANTS), ("rights", RIGHTS), ("tenants-and-rights", TENANTS | RIGHTS), ("policy-next", RIGHTS | LATE | POLICY_NEXT),
                        ("answer-on-its-way", RIGHTS | LATE | AUTHENTICATES | ON_ITS_WAY)):
        yield name, settings(hooks, 3, late=0x92) + PAIR + ANSWER_ALL + three_qos(0, "secret") + three_qos(1, "denied/x") + three_qos(1, "a/b") + ACK_ALL + op("plugin_intent", 0, 1) + \
            op("plugin_intent", 0, 9) + three_qos(1, "a") + ANSWER_ALL + op("drop", 0) + connect(0, A1, will=(0, 0, None, "a")) + ANSWER_ALL
    yield "windows", settings(limits=1, queue=1) + connect(0, A1, limits=(1, 2, 0)) + subscribe(0, "#") + connect(1, B1) + flood(1) + ACK_ALL * 3
    yield "receive-maximum-exceeded", settings(limits=4) + connect(0, A1) + publish(0, "a", 2) * 4 + connect(0, A1, V311) + publish(0, "a", 2) * 4
    yield "queue-is-full", settings(queue=1) + PAIR + op("drop", 0) + publish(1, "a", 1) * 6 + connect(0, A1) + ACK_ALL
    yield "queue-is-full-new", settings(queue=5 | 8) + PAIR + op("drop", 0) + publish(1, "a", 1, payload=LONG) * 6 + connect(0, A1) + ACK_ALL
    yield "stops-reading", settings(limits=128) + PAIR + op("stop_reading", 0) + publish(1, "a", 0, payload=LONG) * 5 + publish(1, "a", 1) * 3 + op("read_on", 0) + ACK_ALL
    yield "wrong-acknowledgements", settings() + PAIR + three_qos(1, "a") * 2 + b"".join(op("wrong", 0, kind, number) for kind in range(4) for number in range(4)) + ACK_ALL * 2
    yield "out-of-order", settings() + PAIR + three_qos(1, "a") * 3 + b"".join(op("owed_any", 0, number) for number in (3, 1, 200, 2, 0, 5, 201)) + op("drop", 0) + connect(0, A1) + ACK_ALL
    yield "aliases", settings() + PAIR + publish(0, "a", 1, alias=1) + publish(0, "b", 0, alias=129) + publish(0, "b", 1, alias=2) + publish(0, "a", 0, alias=130) + publish(0, "a", alias=4)
    yield "expiry", settings() + PAIR + op("drop", 0) + publish(1, "a", 1) + connect(2, B1) + publish(2, "a", 1, expiry=0) + publish(2, "a/b", 2, expiry=3) + advance(4100) + connect(0, A1) + ACK_ALL
    yield "keep-alive", settings(limits=8) + connect(0, A1, keep_alive=True) + connect(1, A2, V311, keep_alive=True) + advance(8000) + op("ping", 0) + advance(8000) + advance(8000)
    yield "sessions-expire", settings(3) + connect(0, A1, expiry=SECOND) + subscribe(0, "#") + connect(1, B1, expiry=HALF_MINUTE) + op("drop", 0) + op("disconnect", 1, 2 + 4 * 3) + \
        advance(4100) + connect(0, A1, clean=True) + advance(61_000) + connect(1, B1)
    yield "other-user", settings(store=ANY_USER) + connect(0, A1) + connect(1, A1, limits=(0, 0, 3)) + connect(2, A1)
    yield "other-user-refused", settings() + connect(0, A1) + connect(1, A1, limits=(0, 0, 3)) + connect(2, A1)
    yield "no-credit", settings(loops=2, store=STORE) + PAIR + op("durable", 0, 0) + op("credit", 0, 0) + op("credit", 0, 2) + three_qos(1, "a") + op("credit", 0, 1) + op("credit", 0, 3) + ACK_ALL
    yield "raw", settings() + op("accept", 0, V5) + op("raw", 0, 15) + b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00" + op("raw", 0, 4) + b"\xc0\x00\xe0\x00"
    yield "3.1", settings(loops=3) + connect(0, A1, V31) + subscribe(0, "#") + connect(1, A2, V31, clean=True) + three_qos(1, "a") + ACK_ALL * 2


def words():
    for version, name in ((V5, "5"), (V311, "311")):
        yield f"connect_{name}", connect(0, A1, version)
        yield f"take_over_{name}", connect(1, A1, version)
    yield "connect_with_will", connect(2, B1, will=(1, True, 5, "a"))
    for name in FILTERS:
        yield "subscribe_" + re.sub(r"\W", "_", name), subscribe(0, name)
    for qos in range(3):
        yield f"publish_{qos}", publish(1, "a/b", qos)
        yield f"retain_{qos}", publish(1, "a", qos, retain=True)
    for name in ("owed_front", "owed_all", "drop", "stop_reading", "read_on", "ping"):
        yield name, op(name, 0)
    for millis in MILLIS:
        yield f"advance_{millis}", advance(millis)
    for name in ("answer", "durable", "pages", "store", "plugin_intent", "credit", "disconnect"):
        yield name, op(name, 0, 0)
    yield "answer_bind", op("answer", 0, 64)
    yield "invalidate", op("plugin_intent", 0, 1)


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "session"
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in scripts():
        (folder / name).write_bytes(script)
    lines = ['%s="%s"' % (name, "".join("\\x%02x" % byte for byte in word)) for name, word in words()]
    head = "# Operations of session.cc; written by session.seeds.py.\n\n"
    (pathlib.Path(__file__).parent / "dict" / "session.dict").write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
