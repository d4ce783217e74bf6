"""Runs clang-tidy 14 with the list of /.clang-tidy over the sources of broker/, plugin-sdk/ and plugins/: tidy.py BUILD_FOLDER [--times] [FILE...].
BUILD_FOLDER holds the compile_commands.json of a build with clang, and keeps for each source that was found clean what it was: text, headers of this
repository, compiler's command and list of checks. So only what changed is looked at again. The sources of a folder are looked at together, as one
translation unit: nearly all the time goes into the headers of others, which it then reads once."""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

import layers
import sources
import together

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
    """(file, text) of everything that clang-tidy says."""
    for line in output.splitlines():
        if match := FINDING.match(line):
            file = pathlib.Path(match["file"])
            file = file.relative_to(sources.ROOT) if file.is_relative_to(sources.ROOT) else file
            yield file, f"{file}:{match['line']}: {match['what']} [{match['check'].removesuffix(',-warnings-as-errors')}]"


def look_at(program, unit):
    """What clang-tidy finds in the sources of one translation unit and their headers, and the seconds it took."""
    started = time.monotonic()
    command = [program, f"--config-file={sources.ROOT / '.clang-tidy'}", "--quiet", str(unit.file), "--", *unit.flags]
    run = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True)
    found = list(findings(run.stdout))
    if run.returncode != 0 and not found:
        found = [(path, f"{path}: clang-tidy ended with {run.returncode}: {(run.stderr or run.stdout)[-1500:]}") for path in unit.paths]
    return found, time.monotonic() - started


def general_fingerprint(program):
    """What is the same for every source: the program, and the list without its comments."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    checks = [line for line in sources.read(".clang-tidy").splitlines() if not line.startswith("#")]
    return "\n".join([version, *checks]).encode()


def what_changed(build, program, only):
    """{source: (its command, its stamp, what goes into the stamp once it is clean)}."""
    clean = build / "clang-tidy-clean"
    clean.mkdir(exist_ok=True)
    general = general_fingerprint(program)
    changed = {}
    for path, command in commands(build).items():
        stamp, now = clean / str(path).replace("/", "."), fingerprint(path, command, general)
        if (not only or path in only) and not (stamp.exists() and stamp.read_text() == now):
            changed[path] = shlex.split(command), stamp, now
    return changed


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--times"]
    build, only = pathlib.Path(arguments[0]).resolve(), {pathlib.Path(name) for name in arguments[1:]}
    program = shutil.which("clang-tidy-14")
    if program is None:
        sys.exit("clang-tidy-14 is not installed; tests/run installs it")
    changed = what_changed(build, program, only)
    offences = set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        units = together.units(pool, build / "clang-tidy-together", {path: command for path, (command, _, _) in changed.items()})
        for unit, (found, seconds) in zip(units, pool.map(lambda unit: look_at(program, unit), units)):
            if "--times" in sys.argv:
                print(f"{seconds:6.1f} s {' '.join(map(str, unit.paths))}", flush=True)
            wrong = {file for file, _ in found}
            for path in unit.paths:
                if not wrong.intersection(with_headers(path)):
                    _, stamp, now = changed[path]
                    stamp.write_text(now)
            for _, offence in found:
                if offence not in offences:  # a header is found in every unit that includes it
                    print(offence, flush=True)
                offences.add(offence)
    print(f"{len(changed)} sources looked at; the others are as they were when nothing was found in them.")
    if offences:
        sys.exit(f"{len(offences)} found. Mend it; a check that only makes noise leaves .clang-tidy, with the reason.")
    sys.exit(0)


if __name__ == "__main__":
    main()
