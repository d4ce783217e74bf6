"""Checks that every test that a README of tests/ names (`Suite.Name`) is there: a table of proofs must not outlive them."""
import re

import sources

NAMED = re.compile(r"`(\w+)\.(\w{12,})`")
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)")


def main():
    there = {match.groups() for path in sources.files("_test.cc", parts=("tests", "plugins")) for match in TEST.finditer(sources.read(path))}
    offences = []
    for path in sources.files("README.md", parts=("tests",)):
        for number, line in enumerate(sources.read(path).splitlines(), 1):
            offences += [f"{path}:{number}: no test is called {suite}.{name}" for suite, name in NAMED.findall(line) if (suite, name) not in there]
    sources.report(offences, "Name the test that proves it now, or write it.")


if __name__ == "__main__":
    main()
