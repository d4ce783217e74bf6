"""Writes the seeds of fuzz/corpus/decode from vectors/: the bytes of those that are accepted, and of those in frame/, one
file each. The others are played by conformance_vectors and found from these by the fuzzer.

make_seeds.py           writes them
make_seeds.py --check   fails when a seed is missing or differs
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE.parent.parent / "fuzz" / "corpus" / "decode"


def vector_bytes(text):
    """The bytes of a vector: every line that is neither a comment nor an expectation (see README.md)."""
    found = bytearray()
    for line in text.splitlines():
        if line.startswith("#") or re.match(r'[^"]*:', line):
            continue
        for word in re.finditer(r'"([^"]*)"|([0-9a-f]{2})', line):
            found += word[1].encode() if word[1] is not None else bytes.fromhex(word[2])
    return bytes(found)


def main():
    wrong = []
    CORPUS.mkdir(parents=True, exist_ok=True)
    for file in sorted((HERE / "vectors").rglob("*.hex")):
        if file.parent.name != "frame" and not file.name.startswith("ok"):
            continue
        seed = CORPUS / f"{file.parent.name}-{file.stem}"
        wanted = vector_bytes(file.read_text())
        if "--check" not in sys.argv:
            seed.write_bytes(wanted)
        elif not seed.exists() or seed.read_bytes() != wanted:
            wrong.append(seed.name)
    if wrong:
        sys.exit(f"not the bytes of their vectors: {', '.join(wrong)}; run {pathlib.Path(__file__).name}")


main()
