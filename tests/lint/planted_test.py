"""Each lint proves itself as tests/run starts it: it passes a small repository, and fails it with one offence planted, naming the place."""
import contextlib
import io
import json
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

import format as format_lint
import headers
import include_graph
import layers
import lengths
import members
import named_tests
import readmes
import sources
import words

CLEAN = {
    "broker/README.md": "broker\n\n    core        -> base\n",
    "broker/base/CMakeLists.txt": "",
    "broker/base/README.md": "base\n",
    "broker/base/text.h": "#pragma once\n\n#include <string>\n\nstd::string text();\n",
    "broker/core/CMakeLists.txt": "",
    "broker/core/README.md": "core\n",
    "broker/core/shard.h": '#pragma once\n\n#include "broker/base/text.h"\n\nstruct Shard {\n  std::string name;\n};\n',
    "broker/core/shard.cc": '#include "broker/core/shard.h"\n\nint number() { return 1; }\n',
    "plugins/README.md": "plugins\n",
    **{f"{folder}/README.md": folder for folder in ("plugin-sdk", "fuzz", "tests", "conf")},
}


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copy(sources.ROOT / ".clang-format", self.root)
        for name, text in CLEAN.items():
            self.write(name, text)
        patch = mock.patch.object(sources, "ROOT", self.root)
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def run_lint(self, lint, *arguments):
        """What the lint ends with, and what it prints."""
        out = io.StringIO()
        with mock.patch.object(sys, "argv", [lint.__name__, *arguments]), contextlib.redirect_stdout(out):
            with self.assertRaises(SystemExit) as end:
                lint.main()
        return end.exception.code, out.getvalue()

    def expect(self, lint, name, text, place, *arguments):
        code, out = self.run_lint(lint, *arguments)
        self.assertEqual(code, 0, out)
        self.write(name, text)
        code, out = self.run_lint(lint, *arguments)
        self.assertEqual(code, 1, out)
        self.assertIn(place, out)

    def test_layers_fails_for_an_include_of_a_higher_layer(self):
        self.expect(layers, "broker/base/text.h", '#pragma once\n#include "broker/core/shard.h"\n', "broker/base/text.h:2")

    def test_include_graph_fails_for_files_in_a_circle(self):
        self.expect(include_graph, "broker/base/text.h", '#pragma once\n#include "broker/base/text.h"\n', "broker/base/text.h -> broker/base/text.h")

    def test_include_graph_fails_for_folders_in_a_circle(self):
        self.expect(include_graph, "broker/base/other.h", '#include "broker/core/shard.h"\n', "base -> core -> base")

    def test_include_graph_fails_for_a_picture_of_another_graph(self):
        self.expect(include_graph, "broker/mqtt/packet.h", '#include "broker/base/text.h"\n', "mqtt        -> base")

    def test_include_graph_draws_the_files_of_one_folder(self):
        code, out = self.run_lint(include_graph, "core")
        self.assertEqual(code, 0, out)
        self.assertIn('"shard.cc" -> "shard.h"', out)

    def test_members_fails_for_a_borrowed_member(self):
        text = "#pragma once\n#include <string_view>\nstruct Shard {\n  std::string_view name;\n};\n"
        self.expect(members, "broker/core/shard.h", text, "broker/core/shard.h:4")

    def test_headers_fails_for_a_header_that_needs_another_one_first(self):
        self.expect(headers, "broker/core/shard.h", "#pragma once\n\nstruct Shard {\n  std::string name;\n};\n", "broker/core/shard.h", "c++")

    def test_headers_fails_for_a_header_without_a_guard(self):
        self.expect(headers, "broker/core/shard.h", "struct Shard {};\n", "broker/core/shard.h", "c++")

    def build(self, *flags):
        self.write("broker/base/text.cc", '#include "broker/base/text.h"\n')
        files = [str(self.root / name) for name in ("broker/base/text.cc", "broker/core/shard.cc")]
        self.write("build/compile_commands.json", json.dumps([{"file": file, "command": " ".join(["c++", *flags, "-c", file])} for file in files]))
        return str(self.root / "build")

    def test_headers_does_not_compile_alone_what_a_source_of_the_build_includes_first(self):
        self.write("broker/core/shard.h", "#pragma once\n\nstruct Shard {\n  Text name;\n};\n")
        self.write("broker/base/text.h", "#pragma once\n\nstruct Text {};\n")
        self.assertEqual(self.run_lint(headers, "c++", self.build())[0], 0)  # the build has refused it
        self.assertEqual(self.run_lint(headers, "c++")[0], 1)
        self.assertEqual(self.run_lint(headers, "c++", self.build("-include", "all.h"))[0], 1)

    def test_headers_fails_for_a_header_without_a_guard_that_a_source_includes_first(self):
        self.expect(headers, "broker/core/shard.h", "struct Shard {};\n", "broker/core/shard.h", "c++", self.build())

    def test_format_fails_for_what_clang_format_would_change(self):
        self.expect(format_lint, "broker/core/shard.cc", "int  number( ) { return 1 ; }\n", "broker/core/shard.cc:1")

    def test_lengths_fails_for_a_long_header(self):
        self.expect(lengths, "broker/core/shard.h", "#pragma once\n" + "int number();\n" * 250, "broker/core/shard.h")

    def test_lengths_fails_for_a_long_function(self):
        self.expect(lengths, "broker/core/shard.cc", "int number() {\n" + "  f();\n" * 60 + "}\n", "broker/core/shard.cc:1")

    def test_readmes_fails_for_a_folder_that_does_not_say_what_it_is(self):
        self.expect(readmes, "broker/mqtt/CMakeLists.txt", "", "broker/mqtt/README.md is missing")

    def test_readmes_fails_for_one_that_says_too_much(self):
        self.expect(readmes, "broker/core/README.md", "a line\n" * 41, "broker/core/README.md is longer")

    def test_readmes_fails_for_a_way_that_is_not_there_any_more(self):
        self.write("broker/core/README.md", "core\n\n## The way of a number\n\n1. `shard.cc`: `number`, see `base/README.md`.\n")
        self.expect(readmes, "broker/core/shard.cc", "int other() { return 1; }\n", "broker/core/README.md: number is nowhere")

    def test_named_tests_fails_for_a_proof_that_is_not_there_any_more(self):
        self.write("tests/shard_test.cc", "TEST(Shard, IsThereAndStays) {}\n")
        self.expect(named_tests, "tests/README.md", "`Shard.IsThereAndStays`, `Shard.WasThereOnce`\n", "tests/README.md:1: no test is called Shard.WasThereOnce")

    def test_words_fails_for_a_path_of_one_machine(self):
        self.expect(words, "broker/core/shard.cc", "// see /" + "root/notes\n", "broker/core/shard.cc:1")


if __name__ == "__main__":
    unittest.main()
