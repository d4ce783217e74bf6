"""Draws what includes what in broker/, as Graphviz text: include_graph.py for the folders, include_graph.py FOLDER for the files of one of them. Ends
with 1 when folders or files include each other in a circle, or when the picture in broker/README.md is another one.

    tests/lint/include_graph.py core | dot -Tsvg > core.svg

Between folders the label is the number of includes; dotted is what another way leads to, too."""
import collections
import sys

import layers
import sources


def file_graph():
    """{file: files it includes}, of broker/ only."""
    graph = {}
    for path in sources.files(".h", ".cc", parts=("broker",)):
        graph[str(path)] = sorted({name for _, name in layers.includes(path) if name.startswith("broker/")})
    return graph


def folder_of(name):
    return name.split("/")[1]


def folder_graph(files):
    """{folder: {folder it includes: number of includes}}."""
    graph = {folder_of(path): collections.Counter() for path in files}
    for path, names in files.items():
        graph[folder_of(path)].update(folder_of(name) for name in names if folder_of(name) != folder_of(path))
    return graph


def reachable(graph, start):
    found, open_ = set(), [start]
    while open_:
        for other in graph.get(open_.pop(), ()):
            if other not in found:
                found.add(other)
                open_.append(other)
    return found


def is_implied(graph, folder, other):
    """Whether another include leads there, too."""
    return any(other in reachable(graph, between) for between in graph[folder] if between != other)


def from_above(graph):
    return sorted(graph, key=lambda name: (-layers.LAYERS.get(name, 0), name))


def draw_folders(graph):
    yield "digraph folders {"
    yield "  rankdir=TB; node [shape=box];"
    for folder in from_above(graph):
        for other, count in sorted(graph[folder].items()):
            yield f'  "{folder}" -> "{other}" [label={count}{", style=dotted" if is_implied(graph, folder, other) else ""}];'
    yield "}"


def picture(graph):
    """The lines of broker/README.md, without what is implied."""
    for folder in from_above(graph):
        others = [other for other in from_above(graph[folder]) if not is_implied(graph, folder, other)]
        if others:
            yield f"{folder:<11} -> {', '.join(others)}"


def picture_offences(graph):
    lines = [line.strip() for line in sources.read("broker/README.md").splitlines() if " -> " in line and line.startswith("    ")]
    right = list(picture(graph))
    return [] if lines == right else ["broker/README.md draws another graph of folders than this:\n    " + "\n    ".join(right)]


def draw_files(graph, folder):
    yield f'digraph "{folder}" {{'
    yield "  rankdir=LR; node [shape=box];"
    for path in sorted(graph):
        if folder_of(path) != folder:
            continue
        yield f'  "{path.split("/", 2)[2]}";'
        for name in graph[path]:
            if folder_of(name) == folder:
                yield f'  "{path.split("/", 2)[2]}" -> "{name.split("/", 2)[2]}";'
    yield "}"


def main():
    files = file_graph()
    folders = folder_graph(files)
    if len(sys.argv) > 1 and sys.argv[1] not in folders:
        sys.exit(f"{sys.argv[1]}: no folder of broker/; there are {', '.join(sorted(folders))}")
    print("\n".join(draw_files(files, sys.argv[1]) if len(sys.argv) > 1 else draw_folders(folders)))
    circles = layers.cycles(folders) + layers.cycles(files)
    offences = ["include cycle: " + " -> ".join(circle) for circle in circles] + picture_offences(folders)
    sources.report(offences, "Move what is shared to a lower layer; draw what is.")


if __name__ == "__main__":
    main()
