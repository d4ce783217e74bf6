"""Passes if FILE compiles, and each line of it that breaks a rule is refused for the reason it names.

must_not_compile.py COMPILER FILE INCLUDE...

A line that breaks the rule stands between `#if BREAK == 1` (2, 3, ...) and `#endif`, below a comment `// error: REGEX`. Compiled with -DBREAK=1 the file
must fail with an error that REGEX finds and that comes from this line alone: a slip of the pen elsewhere is no proof. Without BREAK the same file compiles,
so what is refused is that line."""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

EXPECTATION = re.compile(r"^\s*// error: (.+)$")


def expectations(text):
    """(number of the line that breaks the rule, what the compiler must say), in order."""
    lines = text.split("\n")
    return [(i + 2, m.group(1)) for i, line in enumerate(lines) if (m := EXPECTATION.match(line))]


def compile_file(compiler, file, includes, *arguments):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-fno-color-diagnostics" if "clang" in compiler else "-fdiagnostics-color=never"]
    done = subprocess.run([*command, *("-I" + folder for folder in includes), *arguments, str(file)], capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def judge(file, line, expected, compiles, said):
    """What is wrong with the way in which the line was refused; empty if nothing."""
    if compiles:
        return f"{file}:{line} compiles, and must not"
    errors = [text for text in said.split("\n") if re.search(r"\b(?:fatal )?error: ", text)]
    if not any(re.search(expected, error) for error in errors):
        return f"{file}:{line} is refused, but not for the reason it names ({expected}):\n{said}"
    here = re.compile(re.escape(str(file)) + r":(\d+):")
    if f"{file}:{line}:" not in said:
        return f"{file}:{line} is not what the compiler complains of:\n{said}"
    if any((place := here.match(error)) and int(place.group(1)) != line for error in errors):
        return f"{file}: another line than {line} is refused too:\n{said}"
    return ""


def check(compiler, file, includes):
    """Everything that is wrong with a file, as texts."""
    expected = expectations(pathlib.Path(file).read_text(encoding="utf-8"))
    if not expected:
        return [f"{file} says nowhere what must not compile"]
    compiles, said = compile_file(compiler, file, includes)
    if not compiles:
        return [f"{file} does not compile even without the lines it is about:\n{said}"]

    def attempt(number):
        line, reason = expected[number - 1]
        return judge(file, line, reason, *compile_file(compiler, file, includes, f"-DBREAK={number}"))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [wrong for wrong in pool.map(attempt, range(1, len(expected) + 1)) if wrong]


def main():
    compiler, file, *includes = sys.argv[1:]
    wrong = check(compiler, file, includes)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
