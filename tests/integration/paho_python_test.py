"""Eclipse Paho (Python) against Mortise; paho_python_client.py is what it does."""

import pathlib

import support

SYSTEM_PYTHON = "/usr/bin/python3"  # which Debian's python3-paho-mqtt is for


class PahoPython(support.BrokerTest):
    @support.proves("3.1.1 MQTT-3.1.2-4", "3.1.1 MQTT-3.1.2-5", "3.1.1 MQTT-3.1.2-8", "3.1.1 MQTT-3.2.2-2", "3.1.1 MQTT-3.2.2-3", "3.1.1 MQTT-3.3.1-8",
                    "3.1.1 MQTT-3.14.4-3", "3.1.1 MQTT-4.3.3-2", "5.0 MQTT-3.1.2-5", "5.0 MQTT-3.1.2-6", "5.0 MQTT-3.2.2-3", "5.0 MQTT-3.3.2-15",
                    "5.0 MQTT-3.3.2-16", "5.0 MQTT-3.3.2-17", "5.0 MQTT-3.8.3-3")
    def test_paho_python_gets_what_the_specification_promises(self):
        self.start_broker()
        client = self.program(SYSTEM_PYTHON, pathlib.Path(__file__).with_name("paho_python_client.py"), self.broker.port)
        self.assertEqual(client.wait(), 0, client.lines)
        self.assertEqual(client.lines[-1], "done")


if __name__ == "__main__":
    support.main()
