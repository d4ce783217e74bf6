"""Checks that files and functions stay readable: a .cc file should have at most 400 lines and must not have more than 600, a header 250, a function's
body 60 lines."""
import re

import members
import sources

WARN_SOURCE, MAXIMUM_SOURCE, MAXIMUM_HEADER, MAXIMUM_FUNCTION = 400, 600, 250, 60


class BodyMeter(members.Tokens):
    """Remembers the groups in braces that were skipped whole: function bodies and initializers."""

    def __init__(self, text):
        super().__init__(text)
        self.bodies = []

    def skip_group(self):
        opening, first = self.items[self.at]
        start = self.at
        super().skip_group()
        if opening == "{":
            self.bodies.append((start, self.at, first, self.items[self.at - 1][1]))

    def functions(self):
        """(line, lines) of bodies: what holds a statement of its own, so that tables of data (of lambdas, too) are not measured."""
        for start, end, first, last in self.bodies:
            depth = 0
            for token, _ in self.items[start:end]:
                depth += (token == "{") - (token == "}")
                if token == ";" and depth == 1:
                    yield first, last - first + 1
                    break


def long_functions(path):
    meter = BodyMeter(sources.read(path))
    list(members.scan(meter, [], path))
    return [f"{path}:{line}: a function of {lines} lines; at most {MAXIMUM_FUNCTION}" for line, lines in meter.functions() if lines > MAXIMUM_FUNCTION]


def main():
    offences = []
    for path in sources.files(".h", ".hpp", ".c", ".cc"):
        if sources.is_generated(path):
            continue
        lines = sources.read(path).count("\n")
        if re.search(r"\.(h|hpp)$", path.name):
            if lines > MAXIMUM_HEADER:
                offences.append(f"{path}: {lines} lines; a header has at most {MAXIMUM_HEADER}")
        elif lines > MAXIMUM_SOURCE:
            offences.append(f"{path}: {lines} lines; a source file has at most {MAXIMUM_SOURCE}")
        elif lines > WARN_SOURCE:
            print(f"(warning) {path}: {lines} lines; about {WARN_SOURCE} is enough for one concept")
        if path.parts[0] == "broker":
            offences += long_functions(path)
    sources.report(offences, "Split it by concept.")


if __name__ == "__main__":
    main()
