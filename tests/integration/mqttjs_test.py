"""MQTT.js against Mortise; mqttjs_client.js is what it does."""

import pathlib
import unittest

import channels
import support


class MqttJs(support.BrokerTest):
    @support.proves("3.1.1 MQTT-2.3.1-6", "3.1.1 MQTT-3.1.2-4", "3.1.1 MQTT-3.1.2-8", "3.1.1 MQTT-3.1.4-2", "3.1.1 MQTT-3.1.4-4",
                    "3.1.1 MQTT-3.2.2-2", "3.1.1 MQTT-3.2.2-3", "3.1.1 MQTT-3.3.1-8", "3.1.1 MQTT-3.3.4-1", "3.1.1 MQTT-3.8.4-1",
                    "3.1.1 MQTT-3.8.4-2", "3.1.1 MQTT-3.14.4-3", "3.1.1 MQTT-4.3.3-2", "3.1.1 MQTT-7.0.0-2", "3.1.1 MQTT-7.1.1-1",
                    "5.0 MQTT-2.2.1-5", "5.0 MQTT-3.1.2-5", "5.0 MQTT-3.1.2-6", "5.0 MQTT-3.2.2-3", "5.0 MQTT-3.3.2-15", "5.0 MQTT-3.3.2-16",
                    "5.0 MQTT-3.3.2-17", "5.0 MQTT-3.3.4-1", "5.0 MQTT-3.8.4-1", "5.0 MQTT-3.8.4-2", "5.0 MQTT-4.2.0-1", "5.0 MQTT-4.3.3-11")
    def test_mqtt_js_gets_what_the_specification_promises(self):
        self.start_broker()
        self.play(f"mqtt://127.0.0.1:{self.broker.port}")

    @support.proves("3.1.1 MQTT-6.0.0-2", "3.1.1 MQTT-6.0.0-4", "5.0 MQTT-6.0.0-2", "5.0 MQTT-6.0.0-4")
    def test_it_gets_the_same_through_a_websocket(self):
        self.start_broker(listeners=[{"url": "ws://127.0.0.1:0"}])
        self.play(f"ws://127.0.0.1:{self.broker.port}/mqtt")

    def test_it_gets_the_same_through_a_websocket_in_tls(self):
        channels.certify(self.folder)
        self.start_broker(listeners=[{"url": "wss://127.0.0.1:0", "tls": {"certificate": "server.pem", "key": "server.key"}}])
        self.play(f"wss://127.0.0.1:{self.broker.port}/mqtt", NODE_TLS_REJECT_UNAUTHORIZED="0")

    @unittest.skipUnless(support.has_ipv6(), "this machine has no IPv6 loopback")
    def test_it_gets_the_same_by_ipv6(self):
        self.start_broker(listeners=[{"url": "tcp://[::1]:0"}])
        self.play(f"mqtt://[::1]:{self.broker.port}")

    def play(self, url, **env):
        client = self.program("node", pathlib.Path(__file__).with_name("mqttjs_client.js"), url, env=env)
        self.assertEqual(client.wait(), 0, client.lines)
        self.assertEqual(client.lines[-1], "done")


if __name__ == "__main__":
    support.main()
