"""The lint of layers proves itself."""
import pathlib
import unittest

import layers


def found(path, name):
    return list(layers.check_include(pathlib.Path(path), 1, name))


class LayersLint(unittest.TestCase):
    def test_refuses_an_include_of_the_same_or_a_higher_layer(self):
        self.assertTrue(found("broker/base/bytes.h", "broker/mqtt/topic.h"))
        self.assertTrue(found("broker/routing/reclaim.h", "broker/session/limits.h"))
        self.assertFalse(found("broker/session/limits.h", "broker/base/time.h"))
        self.assertFalse(found("broker/base/bytes.cc", "broker/base/bytes.h"))

    def test_refuses_a_library_outside_of_its_folder(self):
        self.assertTrue(found("broker/core/shard.h", "sys/epoll.h"))
        self.assertTrue(found("broker/cli/main.cc", "yaml-cpp/yaml.h"))
        self.assertTrue(found("broker/hooks/chain.h", "mortise/abi.h"))
        self.assertFalse(found("broker/plugin_host/host.cc", "mortise/abi.h"))
        self.assertFalse(found("broker/cli/passwd.cc", "mortise/password.hpp"))
        self.assertTrue(found("broker/core/shard.cc", "mortise/password.hpp"))
        self.assertTrue(found("broker/core/shard.cc", "tests/unit/core/fake.h"))

    def test_refuses_what_is_not_there(self):
        self.assertTrue(found("broker/cli/main.cc", "broker/base/nowhere.h"))
        self.assertTrue(found("broker/cli/main.cc", "broker/nowhere/a.h"))

    def test_finds_cycles(self):
        self.assertEqual(layers.cycles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}), [["a", "b", "c", "a"]])
        self.assertEqual(layers.cycles({"a": ["b", "c"], "b": ["c"]}), [])


if __name__ == "__main__":
    unittest.main()
