"""Compiles every header alone: headers.py COMPILER [BUILD_FOLDER]. A header that needs another one included first is refused, and one without a guard. A
source that includes a header before all others proves the first of it already: what the sources of a build folder prove is not compiled again."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

import sources

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-I.", "-Iplugin-sdk/include"]
FIRST_LINE = re.compile(r'^\s*#\s*(?:include\s*["<](?P<name>[^">]+)|\w)', re.MULTILINE)


def headers():
    found = sources.files(".h", parts=("broker",)) + sources.files(".h", ".hpp", parts=("plugin-sdk/include",))
    return [path for path in found if ".inc." not in path.name]


def included_name(path):
    return str(path).removeprefix("plugin-sdk/include/")


def proved(build):
    """What the sources of a build name in their first line for the preprocessor; not of those that begin with a precompiled header."""
    found = set()
    for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text()):
        first = FIRST_LINE.search(pathlib.Path(entry["file"]).read_text(encoding="utf-8", errors="replace"))
        if entry["file"].endswith(".cc") and "-include" not in entry["command"] and first and first["name"]:
            found.add(first["name"])
    return found


def compile_paths(compiler, paths):
    source = "".join(f'#include "{included_name(path)}"\n' * 2 for path in paths)  # twice: the guard is there
    run = subprocess.run([compiler, *FLAGS, "-"], input=source, text=True, capture_output=True, cwd=sources.ROOT)
    return "" if run.returncode == 0 else run.stderr[:1500]


def compile_alone(compiler, path):
    wrong = compile_paths(compiler, [path])
    return wrong and f"{path} does not compile alone:\n{wrong}"


def compile_together(compiler, paths):
    wrong = compile_paths(compiler, paths)
    return wrong and f"The headers that sources of the build include first do not compile twice each, behind each other:\n{wrong}"


def main():
    compiler, builds = sys.argv[1], sys.argv[2:]
    known = set().union(*map(proved, builds))
    together = [path for path in headers() if included_name(path) in known]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        twice = pool.submit(compile_together, compiler, together)
        results = list(pool.map(lambda path: compile_alone(compiler, path), [path for path in headers() if path not in together]))
    sources.report([result for result in [twice.result(), *results] if result], "Include what a header uses, and begin it with #pragma once.")


if __name__ == "__main__":
    main()
