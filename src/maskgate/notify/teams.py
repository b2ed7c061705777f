"""A card in Microsoft Teams, by a webhook of Workflows. Its one button opens the review page; nothing is decided there.

Text goes into runs, which Teams does not read as Markdown, so that no name can make a link or a mention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.notify.plain_text import plain
from maskgate.notify.webhook import is_safe_address, post
from maskgate.notify.words import details, headline

if TYPE_CHECKING:
    from collections.abc import Mapping

_CARD = "application/vnd.microsoft.card.adaptive"


class TeamsWebhook:
    """Tells one channel or chat, by its workflow.

    Args:
        url: The workflow's address; itself a secret, so it is never shown.
        private: Whether it may be in a private network.
        timeout: Seconds to wait for Teams.
    """

    channel = "teams"

    def __init__(self, url: str, *, private: bool = False, timeout: float = 5.0) -> None:
        if not is_safe_address(url):
            raise UsageError("the Teams webhook must be an https URL (http is for this machine alone)")
        self._url = url
        self._private = private
        self._timeout = timeout

    def __repr__(self) -> str:
        return "TeamsWebhook()"

    def notify(self, document: Mapping[str, Any]) -> None:
        """Tell the channel how a request stands.

        Raises:
            NotSent: If Teams did not take it. The message names no address.
        """
        self._send(card([headline(document), *details(document)], document.get("url")))

    def announce(self, person: str, text: str) -> None:  # noqa: ARG002  the text names the person
        """Tell the channel something that is about no request.

        Raises:
            NotSent: If Teams did not take it. The message names no address.
        """
        self._send(card([plain(text, longest=500)], None))

    def _send(self, content: dict[str, Any]) -> None:
        post("Teams", self._url, content, timeout=self._timeout, private=self._private)


def card(lines: list[str], url: object) -> dict[str, Any]:
    """Lay out a message as a Workflows webhook wants it: the first line heavy, and a button that opens an address."""
    body = [
        {
            "type": "RichTextBlock",
            "inlines": [{"type": "TextRun", "text": line, "weight": "bolder" if number == 0 else "default"}],
        }
        for number, line in enumerate(lines)
    ]
    actions = [{"type": "Action.OpenUrl", "title": "Open the review page", "url": str(url)}] if url else []
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    }
    return {"type": "message", "attachments": [{"contentType": _CARD, "contentUrl": None, "content": content}]}
