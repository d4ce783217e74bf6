"""Checks that clang-format 14 would change nothing; generated files are their generator's business. `format.py --fix` changes them."""
import shutil
import subprocess
import sys

import sources

SUFFIXES = (".h", ".hpp", ".c", ".cc")


def main():
    program = shutil.which("clang-format-14")
    if program is None:
        sys.exit("clang-format-14 is not installed; tests/run installs it")
    paths = [str(path) for path in sources.files(*SUFFIXES) if not sources.is_generated(path)]
    if "--fix" in sys.argv:
        sys.exit(subprocess.run([program, "-i", *paths], cwd=sources.ROOT).returncode)
    run = subprocess.run([program, "--dry-run", "-Werror", *paths], cwd=sources.ROOT, capture_output=True, text=True)
    first_of = {}
    for line in run.stderr.splitlines():
        if " error: " in line:
            first_of.setdefault(line.split(":")[0], line)
    offences = list(first_of.values()) or ([run.stderr or "clang-format failed"] if run.returncode != 0 else [])
    sources.report(offences, "Run tests/lint/format.py --fix.")


if __name__ == "__main__":
    main()
