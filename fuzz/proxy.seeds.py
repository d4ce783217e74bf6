"""Writes corpus/proxy/: PROXY headers in the bytes that proxy.cc reads. Run it after changing what the target reads."""
import pathlib

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FOUR = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + b"\xc8\x22\x07\x5b"
SIX = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01" + bytes(15) + b"\x01\xc8\x22\x07\x5b"


def addition(kind, value):
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


def header(version, family, rest):
    return SIGNATURE + bytes([version, family]) + len(rest).to_bytes(2, "big") + rest


def play(stream, *cuts):
    return bytes([len(cuts), *cuts]) + stream


TLS = addition(0x20, b"\x03\0\0\0\0" + addition(0x21, b"TLSv1.3") + addition(0x22, b"device-7"))
SEEDS = {
    "line-4": play(b"PROXY TCP4 192.0.2.1 198.51.100.2 51234 1883\r\nCONNECT", 5, 0),
    "line-6": play(b"PROXY TCP6 2001:db8::1 ::1 51234 1883\r\nCONNECT", 0),
    "line-unknown": play(b"PROXY UNKNOWN ffff:: 1 2 3\r\nCONNECT", 20),
    "line-too-long": play(b"PROXY UNKNOWN " + b"x" * 100, 106),
    "line-of-another-family": play(b"PROXY TCP4 ::1 192.0.2.1 1 2\r\n"),
    "line-with-a-bad-port": play(b"PROXY TCP4 192.0.2.1 192.0.2.1 01 65536\r\n"),
    "binary-4": play(header(0x21, 0x11, FOUR) + b"CONNECT", 11, 0),
    "binary-6": play(header(0x21, 0x21, SIX) + b"CONNECT", 15, 30),
    "binary-unix": play(header(0x21, 0x31, b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")) + b"CONNECT", 100),
    "binary-local": play(header(0x20, 0, b"") + b"CONNECT", 3),
    "binary-unspecified": play(header(0x21, 0, addition(1, b"mqtt")) + b"CONNECT", 3),
    "binary-certificate": play(header(0x21, 0x11, FOUR + addition(1, b"mqtt") + TLS) + b"CONNECT", 2),
    "binary-certificate-not-verified": play(header(0x21, 0x11, FOUR + TLS.replace(b"\x03\0\0\0\0", b"\x03\0\0\0\1")), 2),
    "binary-addition-cut": play(header(0x21, 0x11, FOUR + TLS[:-3])),
    "binary-addresses-cut": play(header(0x21, 0x21, FOUR)),
    "binary-longest": play(header(0x21, 0x11, FOUR + addition(4, bytes(2048 - 16 - 12 - 3))) + b"CONNECT", 255),
    "binary-too-long": play(header(0x21, 0x11, FOUR + addition(4, bytes(2048 - 16 - 12 - 2)))),
    "no-header": play(b"\x10\x0c\x00\x04MQTT", 0),
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "proxy"
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in SEEDS.items():
        (folder / name).write_bytes(seed)


if __name__ == "__main__":
    main()
