"""Passes if FILE compiles without -DBREAK and does not compile with it."""
import subprocess
import sys

compiler, include, file = sys.argv[1:4]
command = [compiler, "-std=c++20", "-fsyntax-only", "-I" + include, file]
plain = subprocess.run(command, capture_output=True, text=True)
if plain.returncode != 0:
    sys.exit("does not compile even without the line it is about:\n" + plain.stderr)
broken = subprocess.run(command + ["-DBREAK"], capture_output=True, text=True)
if broken.returncode == 0:
    sys.exit("compiles, and must not")
