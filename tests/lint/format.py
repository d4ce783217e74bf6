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
    offences = []
    for path in paths:
        run = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=1", path], cwd=sources.ROOT, capture_output=True, text=True)
        if run.returncode != 0:
            offences.append(run.stderr.splitlines()[0] if run.stderr else f"{path}: clang-format failed")
    sources.report(offences, "Run tests/lint/format.py --fix.")


if __name__ == "__main__":
    main()
