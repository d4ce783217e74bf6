"""Eclipse Paho (C) against Mortise; paho_client.c is what it does."""

import os

import support


class Paho(support.BrokerTest):
    @support.proves("3.1.1 MQTT-3.1.2-4", "3.1.1 MQTT-3.1.2-5", "3.1.1 MQTT-3.1.4-2", "3.1.1 MQTT-3.1.4-3", "3.1.1 MQTT-3.1.4-4",
                    "3.1.1 MQTT-3.2.2-2", "3.1.1 MQTT-3.2.2-3", "3.1.1 MQTT-3.3.1-8", "3.1.1 MQTT-3.3.4-1", "3.1.1 MQTT-7.0.0-2", "5.0 MQTT-3.1.2-5",
                    "5.0 MQTT-4.3.3-4")
    def test_paho_gets_what_the_specification_promises(self):
        self.start_broker()
        client = self.program(os.environ["PAHO_CLIENT"], self.broker.port)
        self.assertEqual(client.wait(), 0, client.lines)
        self.assertEqual(client.lines[-1], "done")


if __name__ == "__main__":
    support.main()
