"""The lint of clang-tidy proves itself in a small repository: what is planted is found with its place and check, what is clean is not looked at twice, and
what a change can have made wrong is."""
import contextlib
import io
import json
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import sources
import tidy

CLEAN = "#include <utility>\n\n#include \"broker/base/text.h\"\n\nint size() {\n  Text text;\n  return take(std::move(text));\n}\n"
USED_AFTER_MOVE = CLEAN.replace("return take(std::move(text));", "const int n = take(std::move(text));\n  return n + text.size;")
HEADER = "#pragma once\n\nstruct Text {\n  int size = 0;\n  Text() = default;\n  Text(Text&& other) noexcept;\n};\nint take(Text&& text);\n"
WRONG_HEADER = HEADER + "struct A {\n  virtual ~A() = default;\n};\nstruct B : A {\n  virtual ~B();\n};\n"


class Tidy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        shutil.copy(sources.ROOT / ".clang-tidy", self.root)
        for name, text in {"broker/base/text.h": HEADER, "broker/base/text.cc": CLEAN, "broker/base/other.cc": "int other() { return 2; }\n"}.items():
            self.write(name, text)
        self.build_with("-O1")
        for module, name, value in ((sources, "ROOT", self.root), (tidy, "_headers_of", {})):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def build_with(self, flag):
        command = f"clang++ -std=c++20 {flag} -I{self.root} -c "
        entries = [{"directory": str(self.root), "file": str(path), "command": command + str(path)} for path in sorted(self.root.glob("broker/*/*.cc"))]
        self.write("build/compile_commands.json", json.dumps(entries))

    def run_lint(self):
        """(what it ends with, how many sources it looked at, what it prints)"""
        tidy._headers_of.clear()
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["tidy.py", str(self.root / "build")]), contextlib.redirect_stdout(out):
            with self.assertRaises(SystemExit) as end:
                tidy.main()
        return int(end.exception.code != 0), int(next(line for line in out.getvalue().splitlines() if "looked at" in line).split()[0]), out.getvalue()

    def test_what_is_clean_is_not_looked_at_twice(self):
        self.assertEqual(self.run_lint()[:2], (0, 2))
        self.assertEqual(self.run_lint()[:2], (0, 0))

    def test_an_offence_is_found_with_its_place_and_check_until_it_is_mended(self):
        self.write("broker/base/text.cc", USED_AFTER_MOVE)
        for looked_at in (2, 1):
            code, count, out = self.run_lint()
            self.assertEqual((code, count), (1, looked_at), out)
            self.assertRegex(out, r"broker/base/text\.cc:8: .*\[bugprone-use-after-move\]")
        self.write("broker/base/text.cc", CLEAN)
        self.assertEqual(self.run_lint()[:2], (0, 1))

    def test_sources_that_do_not_compile_together_are_looked_at_apart(self):
        for name in ("one", "two", "three"):
            text = USED_AFTER_MOVE.replace("int size()", f"namespace {{\nint same() {{ return 1; }}\n}}\n\nint {name}()").replace("int n = ", "int n = same() + ")
            self.write(f"broker/base/{name}.cc", text)
        self.build_with("-O1")
        code, count, out = self.run_lint()
        self.assertEqual((code, count), (1, 5), out)
        for name in ("one", "two", "three"):
            self.assertRegex(out, rf"broker/base/{name}\.cc:12: .*\[bugprone-use-after-move\]")
        self.assertEqual(self.run_lint()[1], 3)

    def test_a_header_that_changes_is_looked_at_with_what_includes_it(self):
        self.assertEqual(self.run_lint()[:2], (0, 2))
        self.write("broker/base/text.h", WRONG_HEADER)
        code, count, out = self.run_lint()
        self.assertEqual((code, count), (1, 1), out)
        self.assertRegex(out, r"broker/base/text\.h:13: .*\[modernize-use-override\]")

    def test_another_list_of_checks_or_another_flag_looks_at_everything(self):
        self.assertEqual(self.run_lint()[:2], (0, 2))
        self.build_with("-O2")
        self.assertEqual(self.run_lint()[:2], (0, 2))
        self.write(".clang-tidy", (self.root / ".clang-tidy").read_text().replace("bugprone-use-after-move,", ""))
        self.assertEqual(self.run_lint()[:2], (0, 2))

    def test_a_source_that_does_not_compile_is_an_offence(self):
        self.write("broker/base/other.cc", "#include <nowhere.h>\n")
        code, _, out = self.run_lint()
        self.assertEqual(code, 1)
        self.assertIn("broker/base/other.cc:1: 'nowhere.h' file not found", out)


if __name__ == "__main__":
    unittest.main()
