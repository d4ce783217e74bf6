"""Writes seeds of the fuzz corpora from the vectors.

corpus/decode: the bytes of vectors/ that are accepted, and of those in frame/, one file each. The others are played by
conformance_vectors and found from these by the fuzzer.
corpus/framing, corpus/session: what the clients of sessions/ do, as the player (conformance_sessions) prints it; names
begin with "vector-".

make_seeds.py PLAYER           writes them
make_seeds.py --check PLAYER   fails when a seed is missing, differs, or has no vector
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parent.parent / "fuzz" / "corpus"

# The bytes that fuzz/framing.cc reads: the stream begins with nothing; pieces of 50 bytes.
FRAMING_HEAD = bytes([0, 1, 50])
# The bytes that fuzz/session.cc reads: no hooks, one loop; two of its operations and a third for time.
SESSION_HEAD = bytes([0, 0, 0, 0, 0])
ADVANCE, RAW, ACCEPT = 11, 19, 20
DEVICES, LONGEST_RAW, MOST_OPERATIONS = 5, 47, 250
VERSIONS = ["5.0", "3.1.1", "3.1"]
MILLIS = [10, 900, 4100, 16_000, 61_000, 200_000_000, 1000, 8000]


def vector_bytes(text):
    """The bytes of a vector: every line that is neither a comment nor an expectation (see README.md)."""
    found = bytearray()
    for line in text.splitlines():
        if line.startswith("#") or re.match(r'[^"]*:', line):
            continue
        for word in re.finditer(r'"([^"]*)"|([0-9a-f]{2})', line):
            found += word[1].encode() if word[1] is not None else bytes.fromhex(word[2])
    return bytes(found)


def decode_seeds():
    for file in sorted((HERE / "vectors").rglob("*.hex")):
        if file.parent.name == "frame" or file.name.startswith("ok"):
            yield f"{file.parent.name}-{file.stem}", vector_bytes(file.read_text())


def read_scripts(player):
    """(name, what is done) for each session vector and version."""
    files = sorted((HERE / "sessions").rglob("*.session"))
    printed = subprocess.run([player, "--print", *files], capture_output=True, text=True, check=True).stdout
    scripts = []
    for line in printed.splitlines():
        words = line.split(" ")
        if words[0] == "script":
            scripts.append((f"vector-{words[1].replace('/', '-')}-{words[2]}", []))
        else:
            scripts[-1][1].append(words)
    return scripts


def framing_seed(done):
    """The longest of the streams."""
    streams, current = [], {}
    for what, *rest in done:
        if what == "open":
            current[rest[0]] = len(streams)
            streams.append(b"")
        elif what == "send":
            streams[current[rest[0]]] += bytes.fromhex(rest[1])
    return FRAMING_HEAD + max(streams, key=len).replace(b"\xfe", b"\xfe\0")


def session_seed(done):
    devices, operations = [], []
    for what, *rest in done:
        if what == "advance":
            nearest = min(range(len(MILLIS)), key=lambda i: abs(MILLIS[i] - int(rest[0])))
            operations.append(bytes([ADVANCE, 0, nearest]))
            continue
        if rest[0] not in devices:
            devices.append(rest[0])
        device = devices.index(rest[0]) % DEVICES
        if what in ("open", "drop"):
            operations.append(bytes([ACCEPT, device, what == "drop", VERSIONS.index(rest[1]) if what == "open" else 0]))
        else:
            sent = bytes.fromhex(rest[1])
            operations += [bytes([RAW, device, len(part)]) + part for part in
                           (sent[at:at + LONGEST_RAW] for at in range(0, len(sent), LONGEST_RAW))]
    return SESSION_HEAD + b"".join(operations[:MOST_OPERATIONS])


def main():
    scripts = read_scripts(sys.argv[-1])
    seeds = {CORPUS / "decode" / name: seed for name, seed in decode_seeds()}
    seeds |= {CORPUS / "framing" / name: framing_seed(done) for name, done in scripts}
    seeds |= {CORPUS / "session" / name: session_seed(done) for name, done in scripts}
    stale = [file for target in ("framing", "session") for file in (CORPUS / target).glob("vector-*") if file not in seeds]
    if "--check" in sys.argv:
        wrong = [str(file.relative_to(CORPUS)) for file, seed in seeds.items() if not file.exists() or file.read_bytes() != seed]
        wrong += [str(file.relative_to(CORPUS)) for file in stale]
        if wrong:
            sys.exit(f"not what their vectors say: {', '.join(wrong)}; run {pathlib.Path(__file__).name} {sys.argv[-1]}")
        return
    for file in stale:
        file.unlink()
    for file, seed in seeds.items():
        file.write_bytes(seed)


main()
