"""Sources that a compiler reads as one translation unit, so that what all of them include is parsed once: units(). Names that two sources may both have
alone, as in unnamed namespaces, they may not have together: whoever the compiler complains of moves to a unit with others like it, at last to one of its own."""
import collections
import dataclasses
import pathlib
import re
import subprocess

import sources

MOST = 40  # sources in a unit: what bounds its memory
ERROR = re.compile(r"^(?P<file>[^\s:]+):\d+:\d+: (?:fatal )?error: ", re.MULTILINE)


@dataclasses.dataclass
class Unit:
    file: pathlib.Path  # what the compiler is given: names all paths, or is the only one
    paths: list
    flags: list


def split_command(command):
    """(compiler, flags without the source and what is written); a launcher before the compiler is dropped."""
    first = next(i for i, word in enumerate(command) if i > 0 and word.startswith("-"))
    flags, words = [], iter(command[first:])
    for word in words:
        if word in ("-o", "-c", "-MF", "-MT"):
            next(words)
        elif word not in ("-MD", "-MMD", "-fPIC", "-fPIE"):
            flags.append(word)
    return command[first - 1], [*flags, "-w"]  # warnings are the build's, of each source alone


def refused(compiler, unit):
    """The sources of a unit that do not compile behind the others; all, if the error is in none of them."""
    command = [compiler, *unit.flags, "-ferror-limit=0", "-fno-color-diagnostics", "-fsyntax-only", str(unit.file)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=sources.ROOT)
    files = set(ERROR.findall(run.stderr))
    found = [path for path in unit.paths if str(sources.ROOT / path) in files]
    return found or (unit.paths if run.returncode != 0 else [])


def write_unit(name, paths, flags):
    if len(paths) == 1:
        return Unit(sources.ROOT / paths[0], paths, flags)
    name.write_text("".join(f'#include "{sources.ROOT / path}"\n' for path in paths))
    return Unit(name, paths, flags)


def settle(name, compiler, flags, paths):
    """The unit of those paths that compile behind each other, and the other paths."""
    unit, others = write_unit(name, paths, flags), []
    while len(unit.paths) > 1 and (wrong := refused(compiler, unit)):
        wrong = wrong[1:] if wrong == unit.paths else wrong
        others += wrong
        unit = write_unit(name, [path for path in unit.paths if path not in wrong], flags)
    return unit, others


def units(pool, folder, commands):
    """The units of {source: command} as a list, the longest first; their files are written to a folder."""
    folder.mkdir(exist_ok=True)
    found, alike = [], collections.defaultdict(list)
    for path, command in sorted(commands.items()):
        compiler, flags = split_command(command)
        alike[compiler, tuple(flags), path.suffix].append(path)
    while alike:
        settled = []
        for (compiler, flags, suffix), paths in alike.items():
            most = MOST if suffix == ".cc" else 1  # of C files each has its own static names
            for first in range(0, len(paths), most):
                name = folder / f"{len(found) + len(settled)}.cc"
                settled.append(((compiler, flags, suffix), pool.submit(settle, name, compiler, list(flags), paths[first:first + most])))
        alike = collections.defaultdict(list)
        for key, result in settled:
            unit, others = result.result()
            found.append(unit)
            if others:
                alike[key] += sorted(others)
    return sorted(found, key=lambda unit: -len(unit.paths))
