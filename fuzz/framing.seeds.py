"""Writes corpus/framing/: streams in the bytes that framing.cc reads. Run it after changing what the target reads."""
import pathlib

NOTHING, V31, V311, V5 = 0, 1, 2, 3
LATE, MOVES, SMALL, LITTLE_AHEAD = 4, 8, 16, 32


def packet(head, *parts):
    body, size = b"".join(parts), b""
    length = len(body)
    while True:
        length, low = divmod(length, 128)
        size += bytes([low | (0x80 if length else 0)])
        if not length:
            return bytes([head]) + size + body


def text(value):
    return len(value).to_bytes(2, "big") + value


def stretched(head, before, blocks):
    """A packet whose body ends with 256 * blocks times 'x'."""
    whole = packet(head, before, bytes(256 * blocks))
    return whole[: -256 * blocks] + bytes([0xFE, blocks])


ID = b"\x00\x07"
NO_PROPERTIES = b"\x00"
CONNECT = {
    V31: packet(0x10, text(b"MQIsdp"), b"\x03\x02\x00\x0a", text(b"c")),
    V311: packet(0x10, text(b"MQTT"), b"\x04\x02\x00\x0a", text(b"c")),
    V5: packet(0x10, text(b"MQTT"), b"\x05\x02\x00\x0a", NO_PROPERTIES, text(b"c")),
    "will": packet(0x10, text(b"MQTT"), b"\x05\xce\x00\x0a", b"\x05\x11\x00\x00\x00\x09", text(b""), b"\x05\x18\x00\x00\x00\x01",
                   text(b"t"), text(b"gone"), text(b"u"), text(b"p")),
}
SUBSCRIBE = {V31: packet(0x82, ID, text(b"#"), b"\x02"), V311: packet(0x82, ID, text(b"#"), b"\x02"),
             V5: packet(0x82, ID, NO_PROPERTIES, text(b"#"), b"\x02")}
PINGREQ, DISCONNECT = packet(0xC0), packet(0xE0)


def publish(version, qos, payload=b"hello", topic=b"a/b"):
    return packet(0x30 | qos << 1, text(topic), ID if qos else b"", NO_PROPERTIES if version == V5 else b"", payload)


def conversation(version):
    return b"".join([SUBSCRIBE[version], *(publish(version, qos) for qos in (0, 1, 2)), packet(0x62, ID), packet(0x40, b"\x00\x01"),
                     packet(0x50, b"\x00\x02"), packet(0x70, b"\x00\x02"), PINGREQ, packet(0xA2, ID, NO_PROPERTIES if version == V5 else b"",
                     text(b"#")), publish(version, 1)])


def play(how, stream, *pieces):
    return bytes([how, len(pieces), *pieces]) + stream


SEEDS = {}
for name, version in (("3.1", V31), ("3.1.1", V311), ("5.0", V5)):
    talk = conversation(version)
    SEEDS[f"{name}-byte-by-byte"] = play(NOTHING, CONNECT[version] + talk + DISCONNECT)
    SEEDS[f"{name}-connected"] = play(version, talk, 3, 7, 50)
    SEEDS[f"{name}-late-answers"] = play(version | LATE, talk + DISCONNECT, 11, 2, 90)
    SEEDS[f"{name}-late-answers-little-ahead"] = play(NOTHING | LATE | LITTLE_AHEAD, CONNECT[version] + talk, 40)
    SEEDS[f"{name}-moves"] = play(NOTHING | MOVES, CONNECT[version] + talk, 0)
    SEEDS[f"{name}-moves-late"] = play(NOTHING | MOVES | LATE, CONNECT[version] + talk, 1, 200)
    SEEDS[f"{name}-large"] = play(version, SUBSCRIBE[version] + stretched(0x30, text(b"t") + (NO_PROPERTIES if version == V5 else b""), 90), 0, 255)
    SEEDS[f"{name}-bad-behind-good"] = play(version, talk + b"\x36\x05\x00\x01a\x00\x00" + PINGREQ, 5)
    SEEDS[f"{name}-cut-off"] = play(version, publish(version, 2)[:-3], 4)
    SEEDS[f"{name}-second-connect"] = play(version, PINGREQ + CONNECT[version] + PINGREQ, 13)
SEEDS |= {
    "first-is-not-connect": play(NOTHING, PINGREQ + CONNECT[V5], 1),
    "type-0": play(V5, PINGREQ + b"\x00\x00", 1),
    "announces-256-mib-before-connect": play(NOTHING, b"\x10\xff\xff\xff\x7f" + CONNECT[V5], 1),
    "announces-256-mib": play(V311, b"\x30\xff\xff\xff\x7f" + bytes(40), 1, 2),
    "remaining-length-of-five-bytes": play(V5, PINGREQ + b"\xc0\x80\x80\x80\x80\x01", 2),
    "too-large": play(V5 | SMALL, publish(V5, 1) + publish(V5, 1, bytes(80)) + PINGREQ, 6),
    "too-large-connect": play(NOTHING | SMALL, CONNECT["will"] + PINGREQ, 9),
    "unsupported-version": play(NOTHING, packet(0x10, text(b"MQTT"), b"\x06\x02\x00\x0a", NO_PROPERTIES, text(b"c")) + PINGREQ, 3),
    "will-and-assigned-id": play(MOVES, CONNECT["will"] + conversation(V5), 17, 1),
    "large-behind-late-answer": play(V5 | LATE, publish(V5, 1) + stretched(0x30, text(b"t") + NO_PROPERTIES, 100) + PINGREQ, 0),
    "aliases": play(V5, SUBSCRIBE[V5] + packet(0x30, text(b"t"), b"\x03\x23\x00\x01", b"1") + packet(0x30, text(b""), b"\x03\x23\x00\x01", b"2"), 7),
    "thousand-to-a-segment": play(V311, (publish(V311, 0, b"") + PINGREQ) * 60, 0),
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "framing"
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in SEEDS.items():
        (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
