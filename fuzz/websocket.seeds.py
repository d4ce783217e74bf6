"""Writes corpus/websocket/: handshakes and frames in the bytes that websocket.cc reads. Run it after changing what the target reads."""
import pathlib

KEY = bytes.fromhex("37fa213d")
UPGRADE = (b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n")
OPENED, SMALL_ROOM = 1, 2
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(payload, opcode=BINARY, last=True, masked=True, reserved=0):
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b"\x7f" + size.to_bytes(8, "big")
    head = bytes([(0x80 if last else 0) | reserved | opcode, length[0] | (0x80 if masked else 0)]) + length[1:]
    return head + (KEY + bytes(b ^ KEY[i % 4] for i, b in enumerate(payload)) if masked else payload)


def play(flags, stream, *cuts):
    return bytes([flags | len(cuts) << 2, *cuts]) + stream


SEEDS = {
    "handshake-byte-by-byte": play(0, UPGRADE + frame(b"CONNECT"), 0),
    "handshake-cut": play(0, UPGRADE + frame(b"CONNECT") + frame(b"PINGREQ"), 100, 30, 7),
    "handshake-with-origin": play(0, UPGRADE.replace(b"Host", b"Origin: http://a.b\r\nHost"), 90),
    "handshake-of-another-origin": play(0, UPGRADE.replace(b"Host", b"Origin: http://evil\r\nHost"), 90),
    "handshake-with-lists": play(0, UPGRADE.replace(b"websocket\r", b"h2c, websocket\r").replace(b": mqtt", b": chat, mqttv3.1"), 90),
    "handshake-refused": play(0, UPGRADE.replace(b"/mqtt", b"/") + frame(b"behind"), 50),
    "handshake-overlong": play(0, b"GET /mqtt HTTP/1.1\r\nX: " + b"x" * 8300, 255),
    "every-length": play(OPENED, b"".join(frame(bytes(size)) for size in (0, 1, 125, 126, 127, 300)), 255, 3),
    "fragments-and-pings": play(OPENED | SMALL_ROOM, frame(b"one", last=False) + frame(b"?", PING) + frame(b"two", CONTINUATION, last=False) +
                                frame(b"!", PONG) + frame(b"three", CONTINUATION) + frame(b"next"), 4, 1),
    "text": play(OPENED, frame(b"bytes") + frame(b"text", TEXT) + frame(b"behind"), 5),
    "unmasked": play(OPENED, frame(b"bytes") + frame(b"bare", masked=False), 5),
    "reserved": play(OPENED, frame(b"compressed", reserved=0x40), 2),
    "unknown": play(OPENED, frame(b"x", 3), 2),
    "continues-nothing": play(OPENED, frame(b"x", CONTINUATION)),
    "begun-anew": play(OPENED, frame(b"x", last=False) + frame(b"y")),
    "overlong-ping": play(OPENED, frame(bytes(126), PING)),
    "fragmented-ping": play(OPENED, frame(b"p", PING, last=False)),
    "close": play(OPENED, frame(b"last") + frame(b"\x03\xe8bye", CLOSE) + frame(b"behind"), 6),
    "close-without-code": play(OPENED, frame(b"", CLOSE), 1),
    "close-with-half-a-code": play(OPENED, frame(b"\x03", CLOSE), 1),
    "length-not-shortest": play(OPENED, b"\x82\xfe\x00\x05" + KEY + b"hello"),
    "length-of-nine-exbibytes": play(OPENED, frame(b"x", last=False) + b"\x80\xff\x7f" + b"\xff" * 7 + KEY + b"some"),
    "length-beyond-63-bits": play(OPENED, b"\x82\xff\x80" + bytes(7) + KEY),
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "websocket"
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in SEEDS.items():
        (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
