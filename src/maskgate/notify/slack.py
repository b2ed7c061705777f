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
    from collections.abc import Mapping

_OK = 200


class NotSent(MaskgateError):  # noqa: N818  reads as what happened
    """A message did not arrive. The request stands as it stood."""


class SlackWebhook:
    """Tells one channel, by its incoming webhook.

    Args:
        url: The webhook's address; itself a secret, so it is never shown.
        timeout: Seconds to wait for Slack.
    """

    channel = "slack"

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        if not is_safe_address(url):
            raise UsageError("the Slack webhook must be an https URL (http is for this machine alone)")
        self._url = url
        self._timeout = timeout

    def __repr__(self) -> str:
        return "SlackWebhook()"

    def notify(self, document: Mapping[str, Any]) -> None:
        """Tell the channel how a request stands.

        Raises:
            NotSent: If Slack did not take it. The message names no address.
        """
        self._post(message(document))

    def announce(self, text: str) -> None:
        """Tell the channel something that is about no request.

        Raises:
            NotSent: If Slack did not take it. The message names no address.
        """
        self._post({"text": escape(text), "unfurl_links": False, "unfurl_media": False})

    def _post(self, content: dict[str, Any]) -> None:
        try:
            with (
                httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False) as http,
                http.stream("POST", self._url, json=content) as response,
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


def message(document: Mapping[str, Any]) -> dict[str, Any]:
    """Lay out as Slack's blocks how a request stands.

    A requester's *why* and a reviewer's *reason* stay on the review page: people write names into free text.
    """
    headline = escape(_headline(document))
    blocks = [_section(headline)]
    context = [*_figures(document), *_wanted(document)]
    if context:
        elements = [{"type": "plain_text", "text": line, "emoji": False} for line in context]
        blocks.append({"type": "context", "elements": elements})
    if document.get("url"):
        address = escape(str(document["url"])).replace("|", "%7C")
        blocks.append(_section(f"<{address}|Open the review page>: log in there to read and decide"))
    return {"text": headline, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _headline(document: Mapping[str, Any]) -> str:
    place = document.get("destination")
    where = f" to {plain(place['id'])} ({plain(place['trust'])})" if place else ""
    person = (document.get("requester") or {}).get("person")
    by = f", asked by {plain(person)}" if person else ""
    usual = _STATES.get(str(document["state"]), f"is {plain(document['state'])}")
    state = _OCCASIONS.get(str(document.get("occasion")), usual)
    return f"{plain(document['id'])} {state}: {plain(document['action'])}{where}{by}"


_STATES = {
    "pending": "waits for a signature",
    "refused": "was refused before anyone was asked",
    "denied": "was denied, nothing was released",
    "expired": "ran out of time, nothing was released",
    "withdrawn": "was taken back, nothing was released",
    "released": "was released",
    "failed": "could not be released",
    "indeterminate": "may or may not have been carried out: somebody has to look",
}


_OCCASIONS = {
    "reminder": "still waits for a signature",
    "escalated": "has waited long, and others may sign now",
    "break_glass": "was signed by BREAK-GLASS, without those who usually sign",
    "post_review": "was looked at again after break-glass",
}


def _figures(document: Mapping[str, Any]) -> list[str]:
    measured = (document.get("evidence") or {}).get("measured") or {}
    tables = list((measured.get("tables") or {}).values())
    if not tables:
        return []
    rows = sum(int(table["rows"]) for table in tables)
    return [f"{len(tables)} {'table' if len(tables) == 1 else 'tables'}, {rows:,} {'row' if rows == 1 else 'rows'}"]


def _wanted(document: Mapping[str, Any]) -> list[str]:
    missing = (document.get("requirement") or {}).get("missing") or {}
    if document["state"] != "pending" or not missing:
        return []
    return ["wanted: " + ", ".join(f"{int(count)} of {plain(slot)}" for slot, count in missing.items())]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def escape(text: str) -> str:
    """Write text so that Slack shows it and does not read it as a mention or a link.

    Example:
        >>> escape("<!channel> & co")
        '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
