"""Compiles every header alone: headers.py COMPILER. A header that needs another one included first is refused."""
import concurrent.futures
import os
import subprocess
import sys

import sources

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++", "-I.", "-Iplugin-sdk/include"]


def headers():
    found = sources.files(".h", parts=("broker",)) + sources.files(".h", ".hpp", parts=("plugin-sdk/include",))
    return [path for path in found if ".inc." not in path.name]


def compile_alone(compiler, path):
    name = str(path).removeprefix("plugin-sdk/include/")
    source = f'#include "{name}"\n#include "{name}"\n'  # twice: the guard is there
    run = subprocess.run([compiler, *FLAGS, "-"], input=source, text=True, capture_output=True, cwd=sources.ROOT)
    return None if run.returncode == 0 else f"{path} does not compile alone:\n{run.stderr[:1500]}"


def main():
    compiler = sys.argv[1]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: compile_alone(compiler, path), headers())
    sources.report([result for result in results if result], "Include what a header uses.")


if __name__ == "__main__":
    main()
