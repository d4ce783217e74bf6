"""Checks that every folder a reader meets says what it is, in at most 40 lines where it is a part of the broker, and that what a README names on "The way
of" something is still there."""
import re

import sources

LINES = 40


WAY = re.compile(r"^## The way of .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w./:]+)`")


def lost(readme):
    """Files and functions on a way that are nowhere: by their path from broker/ or the README's folder, or as a word of broker/'s sources."""
    text = "".join(WAY.findall(readme.read_text()))
    if not text:
        return
    broker = sources.ROOT / "broker"
    words = {word for path in sources.files(".h", ".cc", parts=("broker",)) for word in re.findall(r"\w+", sources.read(path))}
    for name in dict.fromkeys(NAMED.findall(text)):
        is_file = re.search(r"\w\.(h|cc|md)$", name)
        is_there = any((folder / name).exists() for folder in (broker, readme.parent)) if is_file else set(re.findall(r"\w+", name)) <= words
        if not is_there:
            yield f"{readme.relative_to(sources.ROOT)}: {name} is nowhere"


def main():
    offences = []
    folders = [path for part in ("broker", "plugins") for path in sorted((sources.ROOT / part).iterdir()) if path.is_dir()]
    folders = [path for path in folders if (path / "CMakeLists.txt").exists()]
    for folder in folders + [sources.ROOT / name for name in ("plugin-sdk", "fuzz", "tests", "conf")]:
        readme = folder / "README.md"
        name = readme.relative_to(sources.ROOT)
        if not readme.exists():
            offences.append(f"{name} is missing")
        elif folder.parent.name == "broker" and len(readme.read_text().splitlines()) > LINES:
            offences.append(f"{name} is longer than {LINES} lines")
        if readme.exists() and folder.parent.name == "broker":
            offences += lost(readme)
    sources.report(offences, "Say what the folder is, who calls it, and what it must never do.")


if __name__ == "__main__":
    main()
