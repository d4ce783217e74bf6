"""The generator refuses descriptions that leave something out. Run: generator_test.py <plugin-sdk/abi>."""

import copy
import pathlib
import sys
import tomllib
import unittest

sys.dont_write_bytecode = True
ABI = pathlib.Path(sys.argv.pop(1))
sys.path.insert(0, str(ABI))

import documents
from model import DescriptionError, Model

DESCRIPTION = tomllib.loads((ABI / "mortise.toml").read_text(encoding="utf-8"))


class Generator(unittest.TestCase):
    def refused(self, change, text):
        description = copy.deepcopy(DESCRIPTION)
        change(description)
        with self.assertRaisesRegex(DescriptionError, text):
            Model(description)

    def body_after(self, change):
        description = copy.deepcopy(DESCRIPTION)
        change(description)
        return documents.golden_body(Model(description))

    def test_a_function_must_say_its_ownership_lifetime_thread_and_errors(self):
        for key in ("doc", "ownership", "lifetime", "thread", "errors"):
            self.refused(lambda d: d["service"][1]["function"][0].pop(key), f"does not say its {key}")

    def test_an_error_that_is_no_status_is_refused(self):
        self.refused(lambda d: d["service"][0]["function"][0]["errors"].append("E_NONSENSE"), "unknown error E_NONSENSE")

    def test_an_unknown_thread_tag_is_refused(self):
        self.refused(lambda d: d["service"][0]["function"][0].update(thread=["main"]), "unknown thread tag main")

    def test_implicit_padding_is_refused(self):
        field = {"name": "odd", "type": "uint32_t", "doc": "Odd."}
        self.refused(lambda d: d["struct"][0]["fields"].append(field), "padding at its end")
        self.refused(lambda d: d["struct"][0]["fields"].insert(0, field), "padding before it")

    def test_types_that_may_not_cross_are_refused(self):
        field = {"name": "odd", "type": "bool", "doc": "Odd."}
        self.refused(lambda d: d["struct"][0]["fields"].append(field), "unknown type bool")

    def test_a_field_without_doc_is_refused(self):
        self.refused(lambda d: d["kind"][0]["fields"][0].pop("doc"), "connect_request.client_id has no doc")

    def test_a_repeated_status_value_is_refused(self):
        self.refused(lambda d: d["status"][1].update(value=2), "repeats a value")

    def test_contracts_change_the_layout_and_words_do_not(self):
        unchanged = self.body_after(lambda d: None)
        self.assertNotEqual(unchanged, self.body_after(lambda d: d["service"][0]["function"][0]["errors"].append("E_RANGE")))
        self.assertNotEqual(unchanged, self.body_after(lambda d: d["family"][0]["hook"][0]["verdicts"].remove("PENDING")))
        self.assertEqual(unchanged, self.body_after(lambda d: d["service"][0]["function"][0].update(doc="Other words.")))


if __name__ == "__main__":
    unittest.main()
