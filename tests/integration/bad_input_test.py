"""What is wrong in a configuration or on a command line: one line that names thing, place and remedy; status 1; nothing started."""

import json
import socket

import support


class BadInput(support.BrokerTest):
    def refused(self, *command, stdin=None):
        """The one line that `mortise` says before it ends with status 1."""
        done = support.run(support.MORTISE, *command, stdin=stdin)
        lines = [line for line in done.stderr.splitlines() if line]
        self.assertEqual((done.returncode, len(lines), done.stdout), (1, 1, ""), (command, done))
        return lines[0]

    def refused_file(self, text):
        file = self.folder / "bad.yaml"
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        says = self.refused("run", "--config", file)
        self.assertEqual(says.replace("mortise run", ""), self.refused_check(file).replace("mortise check", ""))
        return says

    def refused_check(self, file):
        return self.refused("check", file)

    def refused_start(self, config):
        """Only the start can find it."""
        file = self.folder / "bad.yaml"
        file.write_text(json.dumps({"node": {"data_dir": "data"}, **config}))
        return self.refused("run", "--config", file)

    def test_an_unknown_key_is_named_with_line_column_and_the_key_meant(self):
        says = self.refused_file("listeners:\n  - url: tcp://127.0.0.1:0\nmqtt:\n  recieve_maximum: 10\n")
        self.assertIn("bad.yaml:4:3", says)
        self.assertIn("recieve_maximum", says)
        self.assertIn("receive_maximum", says.replace("recieve_maximum", ""))

    def test_a_number_without_its_unit_is_named_with_the_units_there_are(self):
        says = self.refused_file("mqtt: { max_packet_size: 1XB }\n")
        self.assertIn("bad.yaml:1:", says)
        self.assertIn("max_packet_size", says)
        self.assertIn("MiB", says)

    def test_broken_yaml_is_named_with_its_line(self):
        self.assertIn("bad.yaml:3:", self.refused_file("listeners:\n  - { url: tcp://127.0.0.1:0\n"))

    def test_a_listener_that_is_no_address_is_named(self):
        self.assertIn("tcp:/127.0.0.1", self.refused_file({"listeners": [{"url": "tcp:/127.0.0.1"}]}))

    def test_a_missing_file_is_named(self):
        self.assertIn("/nowhere/mortise.yaml", self.refused("run", "--config", "/nowhere/mortise.yaml"))
        self.assertIn("/nowhere/mortise.yaml", self.refused("check", "/nowhere/mortise.yaml"))

    def test_a_missing_plugin_is_named_with_the_folder_looked_in(self):
        says = self.refused_file({"plugins": [{"name": "x", "library": "no-such-plugin.so"}]})
        self.assertIn("no-such-plugin.so", says)
        self.assertIn("plugin_dir", says)

    def test_a_hook_that_names_no_plugin_is_named(self):
        says = self.refused_file({"hooks": {"auth": ["passwords"]}})
        self.assertIn("hooks.auth", says)
        self.assertIn("passwords", says)

    def test_an_open_address_without_authentication_is_refused_with_the_ways_out(self):
        says = self.refused_file({"listeners": [{"url": "tcp://0.0.0.0:0"}]})
        self.assertIn("tcp://0.0.0.0:0", says)
        self.assertIn("allow_anonymous", says)

    def test_a_port_in_use_is_named_and_leaves_nothing_running(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            says = self.refused_start({"listeners": [{"url": "tcp://127.0.0.1:0"}, {"url": url}]})
        self.assertIn(url, says)
        self.assertIn("in use", says)

    def test_a_data_directory_that_cannot_be_made_is_named(self):
        (self.folder / "file").write_text("")
        says = self.refused_start({"node": {"data_dir": str(self.folder / "file" / "data")}})
        self.assertIn("data_dir", says)

    def test_a_data_directory_in_use_by_another_broker_is_named(self):
        self.start_broker()
        says = self.refused("run", "--config", self.broker.file)
        self.assertIn("data_dir", says)
        self.assertIn("in use", says)

    def test_a_data_directory_is_for_its_owner_only(self):
        self.start_broker()
        self.assertEqual((self.folder / "data").stat().st_mode & 0o777, 0o700)

    def test_a_file_that_is_no_plugin_is_refused(self):
        library = self.folder / "text.so"
        library.write_text("not a library\n")
        says = self.refused_start({"plugins": [{"name": "x", "library": str(library)}], "hooks": {"event": ["x"]}})
        self.assertIn("text.so", says)

    def plugin(self, library, family, **config):
        return {"plugins": [{"name": "it", "library": library, "config": config}],
                "hooks": {family: "it" if family == "store" else ["it"]}}

    def test_what_a_plugin_finds_wrong_in_its_configuration_is_told(self):
        says = self.refused_file(self.plugin("auth-file.so", "auth", passwords="nowhere"))
        self.assertIn("plugin it", says)
        self.assertIn(str(self.folder / "nowhere"), says)
        (self.folder / "passwd").write_text("alice:secret\n")
        self.assertIn("passwd:1:", self.refused_file(self.plugin("auth-file.so", "auth", passwords="passwd")))
        (self.folder / "passwd").write_text("")
        (self.folder / "acl.yaml").write_text("rules:\n  - { allow: all, topics: ['a/#/b'] }\n")
        self.assertIn("acl.yaml:2:", self.refused_file(self.plugin("auth-file.so", "auth", passwords="passwd", acl="acl.yaml")))
        self.assertIn("prefix", self.refused_file(self.plugin("topic-affix.so", "topic", prefix="tenant/+/")))

    def test_a_rule_that_nothing_can_reach_is_a_warning_with_its_line(self):
        (self.folder / "passwd").write_text("")
        (self.folder / "acl.yaml").write_text(
            "rules:\n  - { allow: all, topics: ['a/#'] }\n  - { deny: all, topics: ['a/b'] }\n")
        file = self.folder / "good.yaml"
        file.write_text(json.dumps(self.plugin("auth-file.so", "auth", passwords="passwd", acl="acl.yaml")))
        self.assertIn("acl.yaml:3:", self.mortise("check", file).stderr)

    def test_a_store_that_is_none_is_named_and_kept(self):
        (self.folder / "it.db").write_text("this is not a database, it is a text\n" * 100)
        says = self.refused_start(self.plugin("store-sqlite.so", "store", path="it.db"))
        self.assertIn("it.db", says)
        self.assertIn("not a database", says)
        self.assertIn("this is not a database", (self.folder / "it.db").read_text())
        self.assertIn("nowhere", self.refused_start(self.plugin("store-sqlite.so", "store", path="nowhere/it.db")))

    def test_check_opens_nothing_and_works_while_the_broker_runs(self):
        config = self.plugin("store-sqlite.so", "store", path="it.db")
        file = self.folder / "good.yaml"
        file.write_text(json.dumps({"node": {"data_dir": "data"}, **config}))
        self.assertIn("plugin it: store-sqlite", self.mortise("check", file).stdout)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["good.yaml"])
        self.start_broker(**config)
        self.mortise("check", self.broker.file)

    def test_a_plugin_can_be_looked_at(self):
        self.assertIn("auth.authenticate", self.mortise("plugin", "inspect", "auth-file.so").stdout)
        self.assertIn("no-such.so", self.refused("plugin", "inspect", "no-such.so"))

    def test_command_lines_that_make_no_sense_are_refused(self):
        self.assertIn("--help", self.refused("run"))
        self.assertIn("--help", self.refused("dance"))
        self.assertIn("a/#", self.refused("pub", "-t", "a/#", "-m", "x"))
        self.assertIn("-m", self.refused("pub", "-t", "a"))
        self.assertIn("3.1.1", self.refused("pub", "-t", "a", "-m", "x", "-V", "4"))
        self.assertIn("a/#/b", self.refused("sub", "-t", "a/#/b"))
        self.assertIn("-i", self.refused("sub", "-t", "a", "-c"))

    def test_a_client_whose_server_is_not_there_says_where_it_looked(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = str(unused.getsockname()[1])
            self.assertIn("127.0.0.1:" + port, self.refused("pub", "-p", port, "-t", "a", "-m", "x"))
            self.assertIn("127.0.0.1:" + port, self.refused("sub", "-p", port, "-t", "a"))

    def test_passwords_that_differ_change_nothing(self):
        self.assertIn("differ", self.refused("passwd", self.folder / "passwd", "alice", stdin="a\nb\n"))
        self.assertFalse((self.folder / "passwd").exists())

    def test_a_broken_password_file_is_named_with_its_line_and_kept(self):
        file = self.folder / "passwd"
        file.write_text("# people\nalice:secret\n")
        self.assertIn("passwd:2:", self.refused("passwd", file, "bob", stdin="x\nx\n"))
        self.assertEqual(file.read_text(), "# people\nalice:secret\n")


if __name__ == "__main__":
    support.main()
