from __future__ import annotations

import json

import pytest

from maskgate.errors import UsageError
from maskgate.notify import NotSent, SlackWebhook

REQUEST = {
    "id": "req_1",
    "state": "pending",
    "action": "export",
    "destination": {"id": "partner", "uri": "/srv/released", "trust": "external", "mode": "new_version"},
    "requester": {"person": "data-owner", "account": "okta|00u1"},
    "why": "for Jane Doe",
    "evidence": {"measured": {"tables": {"customers": {"rows": 50_000}, "orders": {"rows": 200_000}}}},
    "requirement": {"slots": {"privacy": 1}, "distinct": 1, "missing": {"privacy": 1}},
    "decisions": [{"person": "reviewer", "reason": "Jane is fine with it"}],
    "url": "http://127.0.0.1:8470/requests/req_1",
}


class TestMessage:
    """A message says ids, counts and a link, and arrives as Slack wants it."""

    def test_it_arrives_with_ids_counts_and_the_link(self, webhook):
        SlackWebhook(webhook.url).notify(REQUEST)
        [message] = webhook.received
        text = json.dumps(message)
        assert "req_1 waits for a signature: export to partner (external), asked by data-owner" in message["text"]
        assert "2 tables, 250,000 rows" in text
        assert "<http://127.0.0.1:8470/requests/req_1|Open the review page>" in text
        assert "wanted: 1 of privacy" in text
        assert message["unfurl_links"] is False
        assert "Jane" not in text, "what people wrote stays on the page"

    def test_a_settled_request_says_its_state(self, webhook):
        SlackWebhook(webhook.url).notify({**REQUEST, "state": "denied"})
        assert webhook.received[0]["text"].startswith("req_1 was denied, nothing was released")

    def test_names_cannot_mention_link_or_turn_the_writing_round(self, webhook):
        evil = {
            **REQUEST,
            "requester": {"person": "<!channel> & <http://evil|x>\u202e\u200b"},
            "destination": {"id": "*p*\n_x_", "trust": "external"},
        }
        SlackWebhook(webhook.url).notify(evil)
        text = webhook.received[0]["text"]
        assert "<" not in text
        assert "&lt;!channel&gt; &amp;" in text
        assert "\u202e" not in text
        assert "\n" not in text

    def test_a_link_cannot_end_early(self, webhook):
        SlackWebhook(webhook.url).notify({**REQUEST, "url": "http://gate/requests/a|b>c"})
        assert "<http://gate/requests/a%7Cb&gt;c|Open" in json.dumps(webhook.received[0])


class TestFailures:
    """A message that does not arrive says so, without its secret address."""

    @pytest.mark.parametrize("status", [302, 404, 429, 500])
    def test_any_answer_but_200_is_a_failure(self, webhook, status):
        webhook.status = status
        webhook.headers = {"Location": webhook.url} if status == 302 else {}
        with pytest.raises(NotSent) as caught:
            SlackWebhook(webhook.url).notify(REQUEST)
        assert str(status) in str(caught.value)
        assert "secret" not in str(caught.value)
        assert len(webhook.received) == 1, "a redirect is not followed"

    def test_nobody_listening_is_a_failure(self, webhook):
        webhook.close()
        with pytest.raises(NotSent) as caught:
            SlackWebhook(webhook.url).notify(REQUEST)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("url", ["", "http://hooks.slack.com/x", "ftp://127.0.0.1/x", "http://169.254.169.254/x"])
    def test_only_tls_or_this_machine(self, url):
        with pytest.raises(UsageError):
            SlackWebhook(url)

    def test_the_address_is_never_shown(self, webhook):
        assert "secret" not in repr(SlackWebhook(webhook.url))
