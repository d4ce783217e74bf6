"""Replays a fuzz target's corpus and regressions: replay.py PROGRAM FOLDER...  Folders that do not exist are left out."""
import pathlib
import subprocess
import sys

program, *folders = sys.argv[1:]
files = [str(p) for folder in folders for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file()]
if not files:
    sys.exit(f"{program}: there is nothing to replay in {', '.join(folders)}: add seeds to the corpus")
# With libFuzzer, files on the command line are run once each; replay_main.cc does the same.
sys.exit(subprocess.run([program, *files]).returncode)
