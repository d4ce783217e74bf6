"""Passes if FILE compiles, and each line of it that breaks a rule is refused for the reason it names.

must_not_compile.py COMPILER FILE INCLUDE...

A line that breaks the rule stands between `#if BREAK == 1` (2, 3, ...) and `#endif`, below a comment `// error: REGEX`. Compiled with -DBREAK=1 the file
must fail with an error that REGEX finds and that comes from this line alone: a slip of the pen elsewhere is no proof. Without BREAK the same file compiles,
so what is refused is that line. What the file includes is compiled once, into a precompiled header for all of these."""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

TOP_INCLUDES = re.compile(r'(?:(?:#include [<"][^">]+[">]|//[^\n]*)?\n)*')
EXPECTATION = re.compile(r"^\s*// error: (.+)$")


def expectations(text):
    """(number of the line that breaks the rule, what the compiler must say), in order."""
    lines = text.split("\n")
    return [(i + 2, m.group(1)) for i, line in enumerate(lines) if (m := EXPECTATION.match(line))]


def run_compiler(compiler, includes, *arguments):
    command = [compiler, "-std=c++20", "-fno-color-diagnostics" if "clang" in compiler else "-fdiagnostics-color=never"]
    done = subprocess.run([*command, *("-I" + folder for folder in includes), *arguments], capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def precompiled(compiler, file, includes, folder):
    """The arguments that make a compiler begin with the includes at the top of a file; none, if they do not compile."""
    header = pathlib.Path(folder) / "includes.h"
    header.write_text(TOP_INCLUDES.match(pathlib.Path(file).read_text(encoding="utf-8")).group())
    done, _ = run_compiler(compiler, includes, "-x", "c++-header", str(header), "-o", f"{header}.gch")
    return ("-include", str(header)) if done else ()


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
    with tempfile.TemporaryDirectory() as folder:
        return check_lines(compiler, file, includes, expected, precompiled(compiler, file, includes, folder))


def check_lines(compiler, file, includes, expected, begin):
    compiles, said = run_compiler(compiler, includes, "-fsyntax-only", *begin, str(file))
    if not compiles:
        return [f"{file} does not compile even without the lines it is about:\n{said}"]

    def attempt(number):
        line, reason = expected[number - 1]
        return judge(file, line, reason, *run_compiler(compiler, includes, "-fsyntax-only", *begin, f"-DBREAK={number}", str(file)))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [wrong for wrong in pool.map(attempt, range(1, len(expected) + 1)) if wrong]


def main():
    compiler, file, *includes = sys.argv[1:]
    wrong = check(compiler, file, includes)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
