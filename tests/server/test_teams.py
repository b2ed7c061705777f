"""A card in Teams: text that is only text, one button that opens a page, and no address that leads elsewhere."""

from __future__ import annotations

import json

import pytest
from server.test_slack import REQUEST

from maskgate.errors import UsageError
from maskgate.notify import NotSent, SlackWebhook, TeamsWebhook


def content_of(webhook):
    (attachment,) = webhook.received[-1]["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


class TestCard:
    """What a Workflows webhook takes, and Teams shows."""

    def test_it_says_ids_and_counts_and_its_button_opens_the_page(self, webhook):
        TeamsWebhook(webhook.url).notify(REQUEST)
        content = content_of(webhook)
        texts = [block["inlines"][0]["text"] for block in content["body"]]
        assert texts == [
            "req_1 waits for a signature: export to partner (external), asked by data-owner",
            "2 tables, 250,000 rows",
            "wanted: 1 of privacy",
        ]
        assert content["actions"] == [
            {"type": "Action.OpenUrl", "title": "Open the review page", "url": "http://127.0.0.1:8470/requests/req_1"}
        ]
        assert "Jane" not in json.dumps(content), "what people wrote stays on the page"

    def test_nothing_in_it_is_read_as_markdown(self, webhook):
        evil = {**REQUEST, "requester": {"person": "[click](http://evil) <at>all</at>\u202e"}}
        TeamsWebhook(webhook.url).notify(evil)
        body = content_of(webhook)["body"]
        assert {block["type"] for block in body} == {"RichTextBlock"}
        assert "\u202e" not in json.dumps(body, ensure_ascii=False)

    @pytest.mark.parametrize(
        ("occasion", "words"),
        [
            pytest.param("reminder", "still waits", id="a reminder"),
            pytest.param("escalated", "others may sign now", id="an escalation"),
            pytest.param("break_glass", "BREAK-GLASS", id="break-glass"),
        ],
    )
    def test_an_occasion_is_named(self, webhook, occasion, words):
        glass = {"person": "dora", "ticket": "INC-1", "skipped": ["bert"]}
        TeamsWebhook(webhook.url).notify({**REQUEST, "occasion": occasion, "break_glass": glass})
        texts = [block["inlines"][0]["text"] for block in content_of(webhook)["body"]]
        assert words in texts[0]
        assert ("by dora, ticket INC-1; passed over: bert" in texts) == (occasion == "break_glass")

    def test_something_about_a_person(self, webhook):
        TeamsWebhook(webhook.url).announce("bert", "bert has a new passkey")
        assert content_of(webhook)["body"][0]["inlines"][0]["text"] == "bert has a new passkey"


@pytest.mark.parametrize("way", [SlackWebhook, TeamsWebhook], ids=["slack", "teams"])
class TestAddress:
    """Only the operator's address is used, and only where it may lead."""

    def test_a_redirect_is_not_followed(self, webhook, way):
        webhook.status = 307
        webhook.headers = {"Location": webhook.url}
        with pytest.raises(NotSent, match="answered 307"):
            way(webhook.url).notify(REQUEST)
        assert len(webhook.received) == 1

    @pytest.mark.parametrize(
        "url",
        ["https://10.0.0.7/x", "https://192.168.1.1/x", "https://169.254.169.254/latest", "https://[fd00::1]/x"],
        ids=["private", "home", "link-local", "unique local"],
    )
    def test_a_private_network_is_refused_unless_it_is_allowed(self, way, url):
        with pytest.raises(NotSent, match=r"private network\. If it should") as refusal:
            way(url, timeout=0.1).notify(REQUEST)
        assert url not in str(refusal.value)
        with pytest.raises(NotSent, match="did not answer"):
            way(url, timeout=0.1, private=True).notify(REQUEST)

    @pytest.mark.parametrize("url", ["http://gate.example/x", "ftp://127.0.0.1/x", "x"], ids=["plain", "ftp", "no URL"])
    def test_only_over_tls(self, way, url):
        with pytest.raises(UsageError, match="https"):
            way(url)
