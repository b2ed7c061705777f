"""People are told when something waits and when it is settled; a message that fails is tried again and recorded."""

from __future__ import annotations

import json
import time

import pytest
from server.web.running_gate import Browser, RunningGate


@pytest.fixture
def told(tmp_path, provider, webhook):
    running = RunningGate(tmp_path, provider.issuer, webhook=webhook.url)
    running.start()
    yield running
    running.stop()


def eventually(condition):
    for _ in range(600):
        if condition():
            return True
        time.sleep(0.05)
    return False


class TestNotifications:
    """A message goes out after the change is stored, and says nothing that is not for everyone."""

    def test_waiting_then_settled(self, told, provider, webhook):
        pending = told.request(why="for Jane Doe of Example Street")
        assert eventually(lambda: webhook.received)
        [message] = webhook.received
        assert f"{pending['id']} waits for a signature" in message["text"]
        assert pending["url"] in json.dumps(message)
        assert "Jane" not in json.dumps(message)
        assert Browser(told, provider, "reviewer").decide(pending["id"], "deny").status_code == 303
        assert eventually(lambda: len(webhook.received) == 2)
        assert "was denied" in webhook.received[1]["text"]
        assert eventually(lambda: [each["type"] for each in told.entries()].count("notification.sent") == 2)

    def test_a_failure_is_recorded_and_tried_again(self, told, webhook):
        webhook.status = 500
        told.request()
        assert eventually(lambda: "notification.failed" in [each["type"] for each in told.entries()])
        failed = next(each for each in told.entries() if each["type"] == "notification.failed")
        assert "secret" not in json.dumps(failed)
        webhook.status = 200
        assert eventually(lambda: "notification.sent" in [each["type"] for each in told.entries()])
