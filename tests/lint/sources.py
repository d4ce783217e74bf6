"""What the lints share: which files there are, and C++ text without comments and literals."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("broker", "plugin-sdk", "plugins", "fuzz", "tests", "conf", ".ci")
_SKIPPED = {"build", "__pycache__", ".git"}


def files(*suffixes, parts=PARTS):
    """Every file of the repository below `parts` that ends in one of `suffixes`, as paths from the root, sorted."""
    found = []
    for part in parts:
        for path in (ROOT / part).rglob("*"):
            inside = path.relative_to(ROOT)
            if path.is_file() and not _SKIPPED & set(inside.parts) and (not suffixes or path.name.endswith(suffixes)):
                found.append(inside)
    return sorted(found)


def is_generated(path):
    return "generated" in path.parts or path.name.endswith((".inc.hpp", ".inc.h")) or "enerated by" in read(path)[:400]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


_NOT_CODE = re.compile(
    r'R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"  # not a digit separator
    r"|//(?:\\\n|[^\n])*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def without_comments_and_literals(text):
    """The same number of lines; literals become empty ones, comments become spaces."""

    def blank(match):
        kept = "\n" * match.group().count("\n")
        return kept + ('""' if match.group()[0] in "\"R" else "0" if match.group()[0] == "'" else " ")

    return _NOT_CODE.sub(blank, text)


def report(offences, remedy):
    """Prints what was found and ends the program: 0 when there is nothing."""
    for line in offences:
        print(line)
    if offences:
        print(f"{len(offences)} found. {remedy}")
    sys.exit(1 if offences else 0)
