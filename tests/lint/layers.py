"""Checks the include graph of broker/: a folder includes only folders of a smaller number, no file includes itself by a detour, and the libraries
that belong to one folder are seen by that folder only. The table is DESIGN's "Layout and layers"."""
import re

import sources

LAYERS = {
    "base": 0,
    "mqtt": 1,
    "observe": 1,
    "session": 2,
    "routing": 2,
    "hooks": 2,
    "config": 3,
    "storage": 4,
    "core": 5,
    "net": 6,
    "plugin_host": 6,
    "admin": 7,
    "cli": 8,
}

# What may be included where in broker/; an include is matched from its beginning.
ONLY_HERE = [
    ("yaml-cpp/", {"config"}),
    ("sys/epoll.h", {"net"}),
    ("mbedtls/", {"net"}),
    ("wslay/", {"net"}),
    ("dlfcn.h", {"plugin_host"}),
    ("mortise/password", {"cli"}),
    ("mortise/", {"plugin_host"}),
    ("nng/", {"admin"}),
    ("microhttpd.h", {"admin"}),
    ("CLI/", {"cli"}),
    ("sqlite3.h", set()),
    ("plugins/", set()),
    ("tests/", set()),
    ("fuzz/", set()),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def includes(path):
    text = sources.read(path)
    return [(text.count("\n", 0, m.start(2)) + 1, m.group(2)) for m in INCLUDE.finditer(text)]


def check_include(path, line, name):
    folder = path.parts[1]
    for beginning, allowed in ONLY_HERE:
        if name.startswith(beginning):
            if folder not in allowed:
                yield f"{path}:{line}: <{name}> is for {' and '.join(sorted(allowed)) or 'no folder of broker/'} only"
            break
    if name.startswith("broker/"):
        other = name.split("/")[1]
        if other not in LAYERS:
            yield f"{path}:{line}: {name}: no layer of that name"
        elif other != folder and LAYERS[other] >= LAYERS[folder]:
            yield f"{path}:{line}: {folder} (layer {LAYERS[folder]}) includes {name} (layer {LAYERS[other]})"
        elif not (sources.ROOT / name).exists():
            yield f"{path}:{line}: {name} is not there"


def cycles(graph):
    """Each include cycle once, as the list of its files."""
    state, stack, found = {}, [], []

    def visit(node):
        state[node] = "open"
        stack.append(node)
        for other in graph.get(node, ()):
            if state.get(other) == "open":
                found.append(stack[stack.index(other) :] + [other])
            elif other not in state:
                visit(other)
        stack.pop()
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def main():
    offences, graph = [], {}
    for path in sources.files(".h", ".cc", parts=("broker",)):
        if len(path.parts) < 3 or path.parts[1] not in LAYERS:
            offences.append(f"{path}: not in a folder of the table of layers")
            continue
        for line, name in includes(path):
            offences += check_include(path, line, name)
            if name.startswith("broker/"):
                graph.setdefault(str(path), []).append(name)
    offences += ["include cycle: " + " -> ".join(cycle) for cycle in cycles(graph)]
    for path in sources.files(".h", ".hpp", ".c", ".cc", parts=("plugins", "plugin-sdk")):
        for line, name in includes(path):
            if name.startswith("broker/"):
                offences.append(f"{path}:{line}: {name}: plugins and their SDK see plugin-sdk/include only")
    sources.report(offences, "Move what is shared to a lower layer.")


if __name__ == "__main__":
    main()
