"""Runs clang-tidy 14 with the list of /.clang-tidy over the sources of broker/, plugin-sdk/ and plugins/: tidy.py BUILD_FOLDER [--times] [FILE...].
BUILD_FOLDER holds the compile_commands.json of a build with clang, and keeps for each source that was found clean what it was: text, headers of this
repository, compiler's command and list of checks. So only what changed is looked at again."""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

import layers
import sources

JOBS = 2
PARTS = ("broker", "plugin-sdk", "plugins")
INCLUDE_FOLDERS = ("", "plugin-sdk/include")
_headers_of = {}  # what included_headers() has answered

FINDING = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+):\d+: (?:warning|error): (?P<what>.*) \[(?P<check>[^\]]+)\]$")


def is_ours(path):
    return path.parts[0] in PARTS and "tests" not in path.parts and not sources.is_generated(path)


def commands(build):
    """The compiler's command for each source of ours, of several the first."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(sources.ROOT) and is_ours(path.relative_to(sources.ROOT)):
            found.setdefault(path.relative_to(sources.ROOT), entry["command"])
    return found


def included_headers(path):
    """The files of this repository that a file names in an #include, whether a macro hides it or not."""
    if path not in _headers_of:
        found = _headers_of[path] = []
        for _, name in layers.includes(path):
            candidates = [path.parent / name] + [pathlib.Path(folder) / name for folder in INCLUDE_FOLDERS]
            found += [candidate for candidate in candidates if (sources.ROOT / candidate).is_file()][:1]
    return _headers_of[path]


def with_headers(path):
    found, open_ = {path}, [path]
    while open_:
        for header in included_headers(open_.pop()):
            if header not in found:
                found.add(header)
                open_.append(header)
    return sorted(found)


def fingerprint(path, command, general):
    digest = hashlib.sha256(general + command.encode())
    for name in with_headers(path):
        digest.update(str(name).encode() + b"\0" + (sources.ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def findings(output):
    for line in output.splitlines():
        if match := FINDING.match(line):
            file = pathlib.Path(match["file"])
            file = file.relative_to(sources.ROOT) if file.is_relative_to(sources.ROOT) else file
            yield f"{file}:{match['line']}: {match['what']} [{match['check'].removesuffix(',-warnings-as-errors')}]"


def look_at(program, build, path):
    """What clang-tidy finds in one source and its headers, and the seconds it took."""
    started = time.monotonic()
    run = subprocess.run([program, "-p", str(build), "--quiet", str(sources.ROOT / path)], cwd=sources.ROOT, capture_output=True, text=True)
    found = list(findings(run.stdout))
    if run.returncode != 0 and not found:
        found = [f"{path}: clang-tidy ended with {run.returncode}: {(run.stderr or run.stdout)[-1500:]}"]
    return found, time.monotonic() - started


def general_fingerprint(program):
    """What is the same for every source: the program, and the list without its comments."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    checks = [line for line in sources.read(".clang-tidy").splitlines() if not line.startswith("#")]
    return "\n".join([version, *checks]).encode()


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--times"]
    build, only = pathlib.Path(arguments[0]).resolve(), {pathlib.Path(name) for name in arguments[1:]}
    program = shutil.which("clang-tidy-14")
    if program is None:
        sys.exit("clang-tidy-14 is not installed; tests/run installs it")
    clean = build / "clang-tidy-clean"
    clean.mkdir(exist_ok=True)
    general = general_fingerprint(program)
    changed = {}
    for path, command in commands(build).items():
        stamp, now = clean / str(path).replace("/", "."), fingerprint(path, command, general)
        if (not only or path in only) and not (stamp.exists() and stamp.read_text() == now):
            changed[path] = stamp, now
    offences = set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, (found, seconds) in zip(changed, pool.map(lambda path: look_at(program, build, path), changed)):
            if "--times" in sys.argv:
                print(f"{seconds:6.1f} s {path}", flush=True)
            if not found:
                stamp, now = changed[path]
                stamp.write_text(now)
            for offence in found:
                if offence not in offences:  # a header is found in every source that includes it
                    print(offence, flush=True)
                offences.add(offence)
    print(f"{len(changed)} sources looked at; the others are as they were when nothing was found in them.")
    if offences:
        sys.exit(f"{len(offences)} found. Mend it; a check that only makes noise leaves .clang-tidy, with the reason.")
    sys.exit(0)


if __name__ == "__main__":
    main()
