"""Refuses to keep what is borrowed for a call: data members of View, span and string_view types outside of classes named ...View, bases and aliases of
such types under another name, variables of such types that outlive a call, and members that point to a connection or a session, which only ids may name.

Reads C++ declarations without a compiler: comments and literals are removed, classes are followed by their braces, function bodies are searched for static
variables only. Templates of such types count (std::vector<std::string_view>), parameters in a member's type do not (std::function<void(std::string_view)>),
nor do constants. `members.py` checks broker/, generated tables of literals left out; `members.py FILE...` checks files."""
import pathlib
import re
import sys

import sources

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|\d[\w.']*|\S")
BORROWED = {"string_view", "basic_string_view", "wstring_view", "u8string_view", "u16string_view", "u32string_view", "span", "initializer_list"}
NEVER_KEPT = {"Connection", "ResidentSession", "Session"}
POINTING = {"*", "&", "reference_wrapper", "shared_ptr", "weak_ptr"}
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
        self.code = code
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


def without_attributes(declaration):
    """Without [[...]], alignas(...), __attribute__((...)) and MORTISE_...(...): their brackets are no call's."""
    kept, at = [], 0
    while at < len(declaration):
        token = declaration[at][0]
        following = declaration[at + 1][0] if at + 1 < len(declaration) else ""
        is_attribute = token in ("alignas", "__attribute__") or token.startswith("MORTISE_")
        if is_attribute and following == "(" or token == "[" and following == "[":
            at += is_attribute
            depth = 0
            while at < len(declaration):
                depth += (declaration[at][0] in "([") - (declaration[at][0] in ")]")
                at += 1
                if depth == 0:
                    break
        else:
            kept.append(declaration[at])
            at += 1
    return kept


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
    declaration = without_attributes(declaration)
    head = without_arguments(declaration)
    words = [token for token, _ in head]
    angle, key = 0, None
    for i, word in enumerate(words):
        angle += (word == "<") - (word == ">")
        if angle == 0 and word in CLASS_KEYS and "enum" not in words[:i]:
            key = i
            break
    if key is None or has_call_brackets(declaration):
        return None
    name = "(unnamed)"
    for word in words[key + 1 :]:
        if word in (":", "final", "<", "{"):
            break
        if re.match(r"[A-Za-z_]", word):
            name = word
    return name


def up_to_initializer(declaration):
    for i, (token, _) in enumerate(declaration):
        if token == "=":
            return declaration[:i]
    return declaration


def points_to(type_tokens):
    """What of NEVER_KEPT a type points to; None if nothing."""
    words = [token for token, _ in type_tokens]
    for i, word in enumerate(words):
        if word in NEVER_KEPT and (words[i + 1 : i + 2] and words[i + 1] in POINTING or set(words[:i]) & POINTING):
            return word
    return None


def member_offences(declaration, classes, path):
    """What is wrong with one declaration in a class body."""
    declaration = without_attributes(declaration)
    words = [token for token, _ in declaration]
    if not words or set(words) & NO_MEMBER or words[0] in CLASS_KEYS | {"enum"} or has_call_brackets(declaration):
        return
    type_and_name = up_to_initializer(without_arguments(declaration))
    names = [token for token, _ in type_and_name if re.match(r"[A-Za-z_]", token)]
    member, line = "::".join(classes + names[-1:]), declaration[0][1]
    kept = points_to(type_and_name[:-1])
    if any(name.endswith("View") for name in classes):
        return
    if kept is not None:
        yield f"{path}:{line}: {member} points to a {kept}, which others name by its id"
    for token, line in type_and_name[:-1]:
        if is_borrowed(token):
            yield f"{path}:{line}: {member} is a {token}, which is borrowed for a call"
            return


def alias_offences(declaration, path):
    """An alias of a borrowed type says in its name what it is."""
    declaration = without_attributes(declaration)
    words = [token for token, _ in declaration]
    if words[:1] != ["using"] or "=" not in words or words[1].endswith("View"):
        return
    for token, line in without_arguments(declaration[words.index("=") + 1 :]):
        if is_borrowed(token):
            yield f"{path}:{line}: {words[1]} is another name of a {token}, which is borrowed for a call"
            return


def base_offences(declaration, name, path):
    """What is made of a borrowed type is borrowed itself."""
    head = without_arguments(without_attributes(declaration))
    words = [token for token, _ in head]
    if name.endswith("View") or ":" not in words:
        return
    angle = 0
    for token, line in head[words.index(":") + 1 :]:
        angle += (token == "<") - (token == ">")
        if angle == 0 and is_borrowed(token):
            yield f"{path}:{line}: {name} is made of a {token}, which is borrowed for a call"


def variable_offences(declaration, path):
    """Variables of a namespace live for ever."""
    declaration = without_attributes(declaration)
    words = [token for token, _ in declaration]
    if not words or set(words) & (NO_MEMBER | {"const", "return"}) or words[0] in CLASS_KEYS | {"enum"} or has_call_brackets(declaration):
        return
    type_and_name = up_to_initializer(without_arguments(declaration))
    for token, line in type_and_name[:-1]:
        if is_borrowed(token):
            yield f"{path}:{line}: {type_and_name[-1][0]} is a {token}, which is borrowed for a call"
            return


STATIC = re.compile(r"\b(?:static|thread_local)\b(?P<type>[^;(){}=]*)(?P<name>\b\w+)\s*(?:\[[^\]]*\]\s*)?[;={]")


def static_offences(tokens_text, path):
    """Static variables live for ever wherever they stand, in a function too."""
    for match in STATIC.finditer(tokens_text):
        words = re.findall(r"\w+", match.group("type"))
        borrowed = [word for word in words if is_borrowed(word)]
        if borrowed and not {"const", "constexpr", "constinit"} & set(words):
            line = tokens_text.count("\n", 0, match.start("name")) + 1
            yield f"{path}:{line}: {match.group('name')} is a {borrowed[0]}, which is borrowed for a call"


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
            yield from alias_offences(declaration, path)
            if classes:
                yield from member_offences(declaration, classes, path)
            else:
                yield from variable_offences(declaration, path)
            declaration = []
        elif token == ":" and declaration and declaration[-1][0] in ("public", "private", "protected"):
            tokens.take()
            declaration = []
        elif token == ":" and has_call_brackets(without_attributes(declaration)) and class_name(declaration) is None:
            tokens.take()
            skip_initializers(tokens)
            declaration = []
        elif token == "{":
            words = [word for word, _ in declaration]
            name = class_name(declaration)
            if name is not None or "namespace" in words or words[:1] == ["extern"]:
                if name is not None:
                    yield from base_offences(declaration, name, path)
                tokens.take()
                yield from scan(tokens, classes + [name] if name is not None else classes, path)
                if tokens.peek() == "}":
                    tokens.take()
                declaration = []
            elif has_call_brackets(without_attributes(declaration)):
                tokens.skip_group()  # a function's body
                declaration = []
            else:
                start = tokens.at
                tokens.skip_group()  # an initializer, or an enumeration
                declaration += tokens.items[start : tokens.at]
        else:
            declaration.append(tokens.take())


def check(text, path):
    tokens = Tokens(text)
    return list(scan(tokens, [], path)) + list(static_offences(tokens.code, path))


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or [
        path for path in sources.files(".h", ".cc", parts=("broker",)) if "generated" not in path.parts
    ]
    offences = [offence for path in paths for offence in check(sources.read(path), path)]
    sources.report(offences, "Keep a copy, an id or a counted pointer; or, if the class itself lives for one call only, name it ...View.")


if __name__ == "__main__":
    main()
