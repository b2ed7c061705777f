"""Sending JSON to an address of the operator's configuration, and nowhere else.

* Over TLS, or within this machine. Redirects are not followed, and an answer is not read beyond its status.
* An address that leads into the operator's own network is refused, unless the configuration says that it may.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx

from maskgate.errors import MaskgateError

_TAKEN = frozenset({200, 202})


class NotSent(MaskgateError):  # noqa: N818  reads as what happened
    """A message did not arrive. The request stands as it stood."""


def is_safe_address(url: str) -> bool:
    """Whether a message may go there: over TLS, or within this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by how it is written."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def post(who: str, url: str, content: dict[str, Any], *, timeout: float, private: bool = False) -> None:
    """Send one message.

    Args:
        who: What a refusal calls the other side.
        url: The address; a refusal does not show it.
        content: The message.
        timeout: Seconds to wait.
        private: Whether the address may be one of a private network.

    Raises:
        NotSent: If it was not taken.
    """
    if not private:
        _must_be_public(who, url)
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=False, trust_env=False) as http,
            http.stream("POST", url, json=content) as response,
        ):
            status = response.status_code
    except httpx.HTTPError as error:
        raise NotSent(f"{who} did not answer ({type(error).__name__})") from None
    if status not in _TAKEN:
        raise NotSent(f"{who} answered {status}")


def _must_be_public(who: str, url: str) -> None:
    """Refuse an address into a private network; this machine, written as such, is the operator's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return
    try:
        found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent(f"{who}: the address is not known") from None
    for *_, place in found:
        if not ipaddress.ip_address(str(place[0]).split("%")[0]).is_global:
            raise NotSent(f"{who}: the address leads into a private network. If it should, write `private: true`.")
