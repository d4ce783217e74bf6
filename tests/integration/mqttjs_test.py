"""MQTT.js against Mortise; mqttjs_client.js is what it does."""

import pathlib

import support


class MqttJs(support.BrokerTest):
    def test_mqtt_js_gets_what_the_specification_promises(self):
        self.start_broker()
        client = self.program("node", pathlib.Path(__file__).with_name("mqttjs_client.js"), self.broker.port)
        self.assertEqual(client.wait(), 0, client.lines)
        self.assertEqual(client.lines[-1], "done")


if __name__ == "__main__":
    support.main()
