"""Refuses data members of View, span and string_view types outside of classes named ...View: what is borrowed for a call must not be kept.

Reads C++ declarations without a compiler: comments and literals are removed, classes are followed by their braces, function bodies are skipped. Templates of
such types count (std::vector<std::string_view>), parameters in a member's type do not (std::function<void(std::string_view)>), nor do static members.
`members.py` checks broker/, generated tables of literals left out; `members.py FILE...` checks files."""
import pathlib
import re
import sys

import sources

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|\d[\w.']*|\S")
BORROWED = {"string_view", "basic_string_view", "span"}
NO_MEMBER = {"using", "typedef", "friend", "static", "static_assert", "template", "operator", "extern", "constexpr"}
CLASS_KEYS = {"class", "struct", "union"}
CLOSING = {"{": "}", "(": ")", "[": "]"}


def is_borrowed(token):
    return token in BORROWED or (token.endswith("View") and token != "View")


class Tokens:
    """The tokens of a text, each with its line, and where we are in them."""

    def __init__(self, text):
        code = sources.without_comments_and_literals(text)
        code = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", lambda m: "\n" * m.group().count("\n"), code, flags=re.MULTILINE)
        self.items = []
        for number, line in enumerate(code.split("\n"), 1):
            self.items += [(token, number) for token in TOKEN.findall(line)]
        self.at = 0

    def peek(self):
        return self.items[self.at][0] if self.at < len(self.items) else None

    def take(self):
        token = self.items[self.at]
        self.at += 1
        return token

    def skip_group(self):
        """Behind the bracket that closes the one we are at."""
        opening = self.peek()
        depth = 0
        while self.at < len(self.items):
            token, _ = self.take()
            depth += (token == opening) - (token == CLOSING[opening])
            if depth == 0:
                return


def without_arguments(declaration):
    """The tokens outside of all brackets but the angle ones; of `a < b` in a default argument too much may be left out, which is harmless."""
    kept, depth = [], 0
    for token, line in declaration:
        if token in "([{":
            depth += 1
        if depth == 0:
            kept.append((token, line))
        if token in ")]}":
            depth -= 1
    return kept


def has_call_brackets(declaration):
    """Whether a `(` stands outside of angle brackets: then it declares a function (or a pointer to one)."""
    angle = 0
    for token, _ in declaration:
        if token == "=" and angle == 0:
            return False
        angle += (token == "<") - (token == ">")
        if token == "(" and angle == 0:
            return True
    return False


def class_name(declaration):
    """The name of the class that a declaration's head begins; None if it is no class."""
    head = without_arguments(declaration)
    words = [token for token, _ in head]
    angle, key = 0, None
    for i, word in enumerate(words):
        angle += (word == "<") - (word == ">")
        if angle == 0 and word in CLASS_KEYS and "enum" not in words[:i]:
            key = i
            break
    if key is None or has_call_brackets(declaration) and "alignas" not in words and "__attribute__" not in words:
        return None
    name = "(unnamed)"
    for word in words[key + 1 :]:
        if word in (":", "final", "<", "{"):
            break
        if re.match(r"[A-Za-z_]", word):
            name = word
    return name


def member_offences(declaration, classes, path):
    """What is wrong with one declaration in a class body."""
    words = [token for token, _ in declaration]
    if not words or set(words) & NO_MEMBER or words[0] in CLASS_KEYS | {"enum"} or has_call_brackets(declaration):
        return
    if any(name.endswith("View") for name in classes):
        return
    type_and_name = []
    for token, line in without_arguments(declaration):
        if token == "=":
            break
        type_and_name.append((token, line))
    names = [token for token, _ in type_and_name if re.match(r"[A-Za-z_]", token)]
    for token, line in type_and_name[:-1]:
        if is_borrowed(token):
            yield f"{path}:{line}: {'::'.join(classes)}::{names[-1]} is a {token}, which is borrowed for a call"
            return


def skip_initializers(tokens):
    """Behind the body of a constructor whose initializer list begins here."""
    while tokens.peek() is not None:
        while tokens.peek() not in ("(", "{", None):
            tokens.take()
        if tokens.peek() is None:
            return
        tokens.skip_group()
        if tokens.peek() == ",":
            continue
        if tokens.peek() == "{":
            tokens.skip_group()
        return


def scan(tokens, classes, path):
    """Reads declarations up to the end of the block; `classes` are those we are in, none in a namespace."""
    declaration = []
    while tokens.peek() is not None:
        token = tokens.peek()
        if token == "}":
            return
        if token in ("(", "["):
            start = tokens.at
            tokens.skip_group()
            declaration += tokens.items[start : tokens.at]
        elif token == ";":
            tokens.take()
            if classes:
                yield from member_offences(declaration, classes, path)
            declaration = []
        elif token == ":" and declaration and declaration[-1][0] in ("public", "private", "protected"):
            tokens.take()
            declaration = []
        elif token == ":" and has_call_brackets(declaration) and class_name(declaration) is None:
            tokens.take()
            skip_initializers(tokens)
            declaration = []
        elif token == "{":
            words = [word for word, _ in declaration]
            name = class_name(declaration)
            if name is not None or "namespace" in words or words[:1] == ["extern"]:
                tokens.take()
                yield from scan(tokens, classes + [name] if name is not None else classes, path)
                if tokens.peek() == "}":
                    tokens.take()
                declaration = []
            elif has_call_brackets(declaration):
                tokens.skip_group()  # a function's body
                declaration = []
            else:
                start = tokens.at
                tokens.skip_group()  # an initializer, or an enumeration
                declaration += tokens.items[start : tokens.at]
        else:
            declaration.append(tokens.take())


def check(text, path):
    return list(scan(Tokens(text), [], path))


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or [
        path for path in sources.files(".h", ".cc", parts=("broker",)) if "generated" not in path.parts
    ]
    offences = [offence for path in paths for offence in check(sources.read(path), path)]
    sources.report(offences, "Keep a copy, an id or a counted pointer; or, if the class itself lives for one call only, name it ...View.")


if __name__ == "__main__":
    main()
