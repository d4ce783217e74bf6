"""Installs the SDK to a temporary prefix and builds against it, and against nothing else of this tree:
the C example (find_package, and cc with pkg-config), the README's C++ plugin with its test, and our own plugins."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

OWN_PLUGINS = {"auth-file": ["0x0101", "0x0102", "0x0103", "0x0104"], "auth-certificate": ["0x0101", "0x0102"], "auth-http": ["0x0101", "0x0102"],
               "auth-jwt": ["0x0101", "0x0102"],
               "topic-affix": ["0x0201"],
               "store-sqlite": ["0x0301", "0x0302", "0x0303", "0x0304"]}


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def readme_block(readme, language, number):
    """The text of the README's nth block of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)[number]


class Sdk:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.prefix = folder / "prefix"
        run([arguments.cmake, "--install", arguments.build, "--component", "sdk", "--prefix", self.prefix])
        self.environment = dict(os.environ, PKG_CONFIG_PATH=str(self.prefix / "share/pkgconfig"))
        self.environment.pop("CXXFLAGS", None)
        self.environment["CCACHE_BASEDIR"] = str(folder)  # so that the next run finds what this one compiled
        self.environment["CCACHE_NOHASHDIR"] = "1"
        self.launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        self.probe = None

    def build(self, name, files):
        """Writes the files of a project and builds it; its build folder."""
        source = self.folder / name
        source.mkdir()
        for file, text in files.items():
            (source / file).write_text(text)
        return self.build_folder(source)

    def build_folder(self, source):
        build = source / "build"
        run([self.arguments.cmake, "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Debug",
             f"-DCMAKE_C_COMPILER={self.arguments.cc}", f"-DCMAKE_CXX_COMPILER={self.arguments.cxx}", *self.launcher], env=self.environment)
        run([self.arguments.cmake, "--build", build, "--parallel", "2"], env=self.environment)
        return build

    def compile(self, compiler, flags, source, output):
        """As somebody without CMake does it."""
        cflags = run(["pkg-config", "--cflags", "mortise"], env=self.environment).split()
        run([compiler, *flags, "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
             *cflags, source, "-o", output])
        return output

    def expect(self, library, name, hooks, *start):
        said = run([self.probe, library, *start])
        wanted = " ".join([name, *hooks]) + "\n"
        if said != wanted:
            sys.exit(f"{library} says {said!r}, not {wanted!r}")
        symbols = re.findall(r" T (\S+)", run(["nm", "-D", "--defined-only", library]))
        if symbols != ["mortise_plugin_entry"]:
            sys.exit(f"{library} exports {symbols}")
        if ".note.mortise" not in run(["readelf", "-S", "-W", library]):
            sys.exit(f"{library} has no note")


def check_example_in_c(sdk, source):
    hello = source / "plugins/example-hello/hello.c"
    if len(hello.read_text().splitlines()) > 40:
        sys.exit("hello.c has more than 40 lines")
    copy = sdk.folder / "example-hello"
    shutil.copytree(sdk.prefix / "share/mortise/example-hello", copy)
    sdk.expect(sdk.build_folder(copy) / "example-hello.so", "hello", ["0x0101"], "{}")
    by_hand = sdk.compile(sdk.arguments.cc, ["-std=c11"], hello, sdk.folder / "by-hand.so")
    sdk.expect(by_hand, "hello", ["0x0101"], "{}")


def check_readme(sdk, source):
    readme = source / "plugin-sdk/README.md"
    door = readme_block(readme, "cpp", 0)
    if len(door.splitlines()) > 15:
        sys.exit("the README's plugin has more than 15 lines")
    cmake = readme_block(readme, "cmake", 0) + (
        "find_package(GTest REQUIRED)\nadd_executable(door_test door.cc door_test.cc)\n"
        "target_link_libraries(door_test PRIVATE Mortise::testing GTest::gtest_main)\n"
        "add_executable(probe probe.cc)\ntarget_link_libraries(probe PRIVATE Mortise::testing)\n")
    build = sdk.build("door", {"door.cc": door, "door_test.cc": readme_block(readme, "cpp", 1), "CMakeLists.txt": cmake,
                               "probe.cc": (source / "tests/sdk/probe.cc").read_text()})
    run([build / "door_test"])
    sdk.probe = build / "probe"  # loads the others
    sdk.expect(build / "door.so", "door", ["0x0101"], '{"key": "sesame"}')
    by_hand = sdk.compile(sdk.arguments.cxx, ["-std=c++17"], sdk.folder / "door/door.cc", sdk.folder / "door-by-hand.so")
    sdk.expect(by_hand, "door", ["0x0101"], '{"key": "sesame"}')


def check_own_plugins(sdk, source):
    for name, hooks in OWN_PLUGINS.items():
        folder = source / "plugins" / name
        if not (folder / "CMakeLists.txt").exists():
            sys.exit(f"plugins/{name} is missing")
        copy = sdk.folder / name
        shutil.copytree(folder, copy)
        sdk.expect(sdk.build_folder(copy) / f"{name}.so", name, hooks)


def main():
    parser = argparse.ArgumentParser()
    for option in ("build", "source"):
        parser.add_argument(f"--{option}", type=pathlib.Path, required=True)
    for option in ("cmake", "cc", "cxx"):
        parser.add_argument(f"--{option}", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sdk = Sdk(arguments, pathlib.Path(folder))
        check_readme(sdk, arguments.source)
        check_example_in_c(sdk, arguments.source)
        check_own_plugins(sdk, arguments.source)


main()
