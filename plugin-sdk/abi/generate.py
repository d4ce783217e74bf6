#!/usr/bin/env python3
"""Generates everything that follows from mortise.toml, or with --check compares it with what is there.

Exit status: 0 written or current, 1 not current (the differences are printed), 2 the description is incomplete.
"""

import argparse
import difflib
import pathlib
import sys

sys.dont_write_bytecode = True

import c_header
import documents
import host_tables
from model import DescriptionError, hash64, load

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHANGES = HERE / "CHANGES.md"


def outputs(model):
    """Path (relative to the project) -> text, and the description's hash."""
    description_hash = hash64(documents.golden_body(model))
    return {
        "plugin-sdk/include/mortise/abi.h": c_header.abi_header(model, description_hash),
        "plugin-sdk/include/mortise/detail/store_layouts.h": c_header.store_layouts(model),
        "plugin-sdk/include/mortise/detail/hooks.inc.hpp": host_tables.wrapper_lists(model),
        "plugin-sdk/abi/layout.golden": documents.golden(model, description_hash),
        "plugin-sdk/REFERENCE.md": documents.reference(model, description_hash),
        "broker/plugin_host/generated/abi_tables.h": host_tables.abi_tables(model, description_hash),
        "broker/hooks/generated/store_records.h": host_tables.broker_records(model),
    }, description_hash


def changes_name(description_hash):
    return f"0x{description_hash:016x}" in CHANGES.read_text(encoding="utf-8")


def check(files):
    """Prints how the files differ from what they should be; True if they do not."""
    current = True
    for name, text in files.items():
        path = ROOT / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there == text:
            continue
        current = False
        difference = difflib.unified_diff(there.splitlines(), text.splitlines(), name, "generated", lineterm="", n=1)
        print("\n".join(list(difference)[:40]))
    return current


def write(files):
    for name, text in files.items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is not current")
    parser.add_argument("--description", default=HERE / "mortise.toml", type=pathlib.Path, help="the description to read")
    arguments = parser.parse_args()
    try:
        files, description_hash = outputs(load(arguments.description))
    except DescriptionError as error:
        print(f"{arguments.description}: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        current = check(files)
    else:
        current = True
        write(files)
    if not changes_name(description_hash):
        print(f"plugin-sdk/abi/CHANGES.md: no entry names the layout 0x{description_hash:016x}: say what changed and why",
              file=sys.stderr)
        return 1
    if not current:
        print("not current: run plugin-sdk/abi/generate.py and commit what it writes", file=sys.stderr)
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
