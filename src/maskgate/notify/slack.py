"""A message in a Slack channel, by incoming webhook.

The address is the operator's, from the gate's configuration; nothing a requester says can change it.
Redirects are not followed, and an answer is not read beyond a few bytes.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from maskgate.errors import MaskgateError, UsageError
from maskgate.notify.plain_text import plain

if TYPE_CHECKING:
    from maskgate.gate.notifier import Notice

_OK = 200


class NotSent(MaskgateError):  # noqa: N818  reads as what happened
    """A message did not arrive. The request stands as it stood."""


class SlackWebhook:
    """Sends notices to one incoming webhook.

    Args:
        url: The webhook's address; itself a secret, so it is never shown.
        timeout: Seconds to wait for Slack.
    """

    name = "slack"

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        if not is_safe_address(url):
            raise UsageError("the Slack webhook must be an https URL (http is for this machine alone)")
        self._url = url
        self._timeout = timeout

    def __repr__(self) -> str:
        return "SlackWebhook()"

    def send(self, notice: Notice) -> None:
        """Send one notice.

        Raises:
            NotSent: If Slack did not take it. The message names no address.
        """
        try:
            with (
                httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False) as http,
                http.stream("POST", self._url, json=message(notice)) as response,
            ):
                status = response.status_code
        except httpx.HTTPError as error:
            raise NotSent(f"Slack did not answer ({type(error).__name__})") from None
        if status != _OK:
            raise NotSent(f"Slack answered {status}")


def is_safe_address(url: str) -> bool:
    """Whether a message may go there: over TLS, or within this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def message(notice: Notice) -> dict[str, Any]:
    """Lay a notice out as Slack's blocks.

    A requester's *why* and a reviewer's *reason* stay on the review page: people write names into free text.
    """
    headline = escape(_headline(notice))
    blocks = [_section(headline)]
    context = _figures(notice)
    if notice.kind == "waiting" and notice.reviewers:
        context.append("asked: " + ", ".join(plain(group) for group in notice.reviewers))
    if context:
        elements = [{"type": "plain_text", "text": line, "emoji": False} for line in context]
        blocks.append({"type": "context", "elements": elements})
    if notice.url:
        address = escape(notice.url).replace("|", "%7C")
        blocks.append(_section(f"<{address}|Open the review page>: log in there to read and decide"))
    return {"text": headline, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _headline(notice: Notice) -> str:
    where = f" to {plain(notice.destination)} ({plain(notice.trust)})" if notice.destination else ""
    what = f"{plain(notice.action)}{where}"
    by = f", asked by {plain(notice.requester)}" if notice.requester else ""
    if notice.kind == "waiting":
        return f"{plain(notice.request)} waits for a signature: {what}{by}"
    return f"{plain(notice.request)} is {plain(notice.state)}: {what}{by}"


def _figures(notice: Notice) -> list[str]:
    if not notice.tables:
        return []
    tables, rows = len(notice.tables), sum(count for _, count in notice.tables)
    return [f"{tables} {'table' if tables == 1 else 'tables'}, {rows:,} {'row' if rows == 1 else 'rows'}"]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def escape(text: str) -> str:
    """Write text so that Slack shows it and does not read it as a mention or a link.

    Example:
        >>> escape("<!channel> & co")
        '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
