"""A message in a Slack channel, by incoming webhook.

The address is the operator's, from the gate's configuration; nothing a requester says can change it.
Redirects are not followed, and an answer is not read beyond a few bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.notify.webhook import is_safe_address, post
from maskgate.notify.words import details, headline

if TYPE_CHECKING:
    from collections.abc import Mapping


class SlackWebhook:
    """Tells one channel, by its incoming webhook.

    Args:
        url: The webhook's address; itself a secret, so it is never shown.
        private: Whether it may be in a private network.
        timeout: Seconds to wait for Slack.
    """

    channel = "slack"

    def __init__(self, url: str, *, private: bool = False, timeout: float = 5.0) -> None:
        if not is_safe_address(url):
            raise UsageError("the Slack webhook must be an https URL (http is for this machine alone)")
        self._url = url
        self._private = private
        self._timeout = timeout

    def __repr__(self) -> str:
        return "SlackWebhook()"

    def notify(self, document: Mapping[str, Any]) -> None:
        """Tell the channel how a request stands.

        Raises:
            NotSent: If Slack did not take it. The message names no address.
        """
        self._post(message(document))

    def announce(self, person: str, text: str) -> None:  # noqa: ARG002  the text names the person
        """Tell the channel something that is about no request.

        Raises:
            NotSent: If Slack did not take it. The message names no address.
        """
        self._post({"text": escape(text), "unfurl_links": False, "unfurl_media": False})

    def _post(self, content: dict[str, Any]) -> None:
        post("Slack", self._url, content, timeout=self._timeout, private=self._private)


def message(document: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out as Slack's blocks how a request stands.

    A requester's *why* and a reviewer's *reason* stay on the review page: people write names into free text.
    """
    first = escape(headline(document))
    blocks = [_section(first)]
    context = details(document)
    if context:
        elements = [{"type": "plain_text", "text": line, "emoji": False} for line in context]
        blocks.append({"type": "context", "elements": elements})
    if document.get("url"):
        address = escape(str(document["url"])).replace("|", "%7C")
        blocks.append(_section(f"<{address}|Open the review page>: log in there to read and decide"))
    return {"text": first, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def escape(text: str) -> str:
    """Write text so that Slack shows it and does not read it as a mention or a link.

    Example:
        >>> escape("<!channel> & co")
        '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
