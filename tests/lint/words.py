"""Refuses what belongs to one machine and not to the repository: paths of a work place and addresses of package registries."""
import re

import sources

# Put together here, so that this file does not refuse itself.
WORDS = {
    r"(?<![\w./-])/" + "work/": "a path of one machine",
    r"(?<![\w./-])/" + "root/": "a path of one machine",
    r"(?<![\w./-])/" + r"home/\w": "a path of one machine",
    r"(?<![\w./-])/" + "tmp/b-": "a path of one machine",
    r"\b" + r"registry\.npm" + r"js\b": "the address of a package registry",
    r"\b(deb|security|ftp)\." + r"debian\.org": "the address of a package registry",
    r"\b(files\.python" + r"hosted|py" + r"pi)\.org": "the address of a package registry",
    r"\bproxy\.go" + r"lang\.org": "the address of a package registry",
}
TOP_FILES = ("CMakeLists.txt", "CMakePresets.json", "README.md", ".clang-format", ".clang-tidy", ".gitignore")
BINARY_FOLDERS = ("fuzz/corpus/", "fuzz/regressions/")


def main():
    patterns = [(re.compile(word), why) for word, why in WORDS.items()]
    offences = []
    paths = [path for path in sources.files() if not str(path).startswith(BINARY_FOLDERS)]
    paths += [sources.ROOT / name for name in TOP_FILES if (sources.ROOT / name).exists()]
    for path in paths:
        for number, line in enumerate(sources.read(path).split("\n"), 1):
            offences += [f"{path}:{number}: {match.group()}: {why}" for pattern, why in patterns if (match := pattern.search(line))]
    sources.report(offences, "Use a relative path, an option, or a neutral example.")


if __name__ == "__main__":
    main()
