"""must_not_compile.py proves itself: what it must refuse, and what it must accept."""
import os
import pathlib
import tempfile
import unittest

import must_not_compile

COMPILER = os.environ["COMPILER"]


class MustNotCompile(unittest.TestCase):
    def wrong(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "x.cc"
            file.write_text(text)
            return "\n".join(must_not_compile.check(COMPILER, file, []))

    def test_accepts_a_line_that_is_refused_for_its_reason(self):
        self.assertEqual(self.wrong("struct A { A(const A&) = delete; };\nvoid f(A& a) {\n#if BREAK == 1\n// error: deleted\nA b(a);\n#endif\n(void)a;\n}\n"), "")

    def test_accepts_it_behind_what_is_included(self):
        text = "// Why.\n#include <memory>\n\n#include <string>\n\nvoid f(std::unique_ptr<std::string> a) {\n#if BREAK == 1\n// error: deleted\nauto b = a;\n#endif\n}\n"
        self.assertEqual(self.wrong(text), "")
        self.assertIn("does not compile even without", self.wrong(text.replace("#include <memory>", "")))

    def test_refuses_a_line_that_compiles(self):
        self.assertIn("x.cc:4 compiles, and must not", self.wrong("void f() {\n#if BREAK == 1\n// error: deleted\nint x = 1;\n#endif\n}\n"))

    def test_refuses_a_second_line_that_compiles(self):
        text = "void f() {\n#if BREAK == 1\n// error: y\nint x = y;\n#endif\n#if BREAK == 2\n// error: y\nint y;\n#endif\n}\n"
        self.assertIn("x.cc:8 compiles, and must not", self.wrong(text))

    def test_refuses_another_reason(self):
        self.assertIn("not for the reason", self.wrong("void f() {\n#if BREAK == 1\n// error: deleted\nint x = ;\n#endif\n}\n"))

    def test_refuses_an_error_that_comes_from_elsewhere(self):
        text = "struct A { A(const A&) = delete; };\n#if BREAK == 1\n// error: deleted\nint x;\nvoid f(A& a) { A b(a); }\n#endif\n"
        self.assertIn("is not what the compiler complains of", self.wrong(text))

    def test_refuses_a_second_error(self):
        text = "struct A { A(const A&) = delete; };\n#if BREAK == 1\n// error: deleted\nvoid f(A& a) { A b(a); }\nint x = ;\n#endif\n"
        self.assertIn("another line than 4 is refused too", self.wrong(text))

    def test_refuses_a_file_that_does_not_compile_at_all(self):
        self.assertIn("does not compile even without", self.wrong("int x = ;\n#if BREAK == 1\n// error: y\nint z = y;\n#endif\n"))

    def test_refuses_a_file_that_breaks_nothing(self):
        self.assertIn("says nowhere", self.wrong("int x = 1;\n"))


if __name__ == "__main__":
    unittest.main()
