"""table.py sees what it must: each of its complaints is provoked once."""
import contextlib
import io
import os
import pathlib
import shutil
import tempfile
import unittest

import table

STATEMENTS = """version,statement,section,binds,binds_broker,reason
5.0,MQTT-1.0.0-1,1.0.0,server,yes,
5.0,MQTT-1.0.0-2,1.0.0,server,yes,
5.0,MQTT-1.0.0-3,1.0.0,client,no,It binds the Client.
"""
PROVED = "5.0 MQTT-1.0.0-1\tunit A.One\n"
BOTH = PROVED + "5.0 MQTT-1.0.0-2\tunit A.Two\n"


class Table(unittest.TestCase):
    def check(self, records, unproved="", proofs="", statements=STATEMENTS, is_whole=True):
        """What check() ends with: None, a status, or its complaints."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="mortise-test-"))
        self.addCleanup(shutil.rmtree, folder)
        for name, text in (("statements.csv", statements), ("unproved.txt", unproved), ("proofs.txt", proofs), ("records", records)):
            (folder / name).write_text(text)
        table.HERE, table.PROOFS = folder, folder / "proofs.txt"
        os.environ["MORTISE_ALL_TESTS"] = "1" if is_whole else ""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                table.check(folder / "records", folder / "table.md")
        except SystemExit as end:
            return end.code
        self.assertIn("unit A.One", (folder / "table.md").read_text())
        return None

    def test_all_is_proved(self):
        self.assertIsNone(self.check(BOTH, proofs="5.0 MQTT-1.0.0-1 unit A.One\n5.0 MQTT-1.0.0-2 unit A.Two\n"))
        self.assertIsNone(self.check(PROVED, "5.0 MQTT-1.0.0-2: later\n", "5.0 MQTT-1.0.0-1 unit A.One\n"))

    def test_a_statement_has_no_proof(self):
        self.assertIn("MQTT-1.0.0-2: is not proved", self.check(PROVED, proofs="5.0 MQTT-1.0.0-1 unit A.One\n"))

    def test_a_proof_did_not_run(self):
        listed = "5.0 MQTT-1.0.0-1 unit A.One\n5.0 MQTT-1.0.0-1 unit A.Other\n5.0 MQTT-1.0.0-2 unit A.Two\n"
        self.assertIn("unit A.Other: this proof did not run", self.check(BOTH, proofs=listed))

    def test_a_proof_is_new(self):
        self.assertIn("1 proofs are new", self.check(BOTH, proofs="5.0 MQTT-1.0.0-1 unit A.One\n"))

    def test_a_number_does_not_exist(self):
        for is_whole in (True, False):
            self.assertIn("MQTT-9.9.9-9: there is no such statement",
                          self.check(BOTH + "5.0 MQTT-9.9.9-9\tunit A.Three\n", is_whole=is_whole))
        self.assertIn("there is no such statement", self.check(BOTH, "5.0 MQTT-9.9.9-9: why\n", is_whole=False))

    def test_what_is_proved_is_not_listed_as_unproved(self):
        self.assertIn("is proved now (unit A.Two)", self.check(BOTH, "5.0 MQTT-1.0.0-2: later\n", is_whole=False))

    def test_every_exception_has_a_reason(self):
        self.assertIn("has no reason", self.check(PROVED, "5.0 MQTT-1.0.0-2\n", is_whole=False))
        self.assertIn("has a reason", self.check(BOTH, statements=STATEMENTS.replace("It binds the Client.", ""), is_whole=False))
        self.assertIn("does not bind a broker", self.check(BOTH, "5.0 MQTT-1.0.0-3: why\n", is_whole=False))

    def test_a_part_of_the_tests_is_not_judged_for_what_it_leaves_out(self):
        self.assertEqual(self.check(PROVED, is_whole=False), table.SKIPPED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
