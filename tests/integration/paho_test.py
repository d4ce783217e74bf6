"""Eclipse Paho (C) against Mortise; paho_client.c is what it does."""

import os

import support


class Paho(support.BrokerTest):
    def test_paho_gets_what_the_specification_promises(self):
        self.start_broker()
        client = self.program(os.environ["PAHO_CLIENT"], self.broker.port)
        self.assertEqual(client.wait(), 0, client.lines)
        self.assertEqual(client.lines[-1], "done")


if __name__ == "__main__":
    support.main()
