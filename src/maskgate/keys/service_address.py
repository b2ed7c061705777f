"""Where a key management service is: over TLS, or within this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from maskgate.errors import KeyReferenceError


def check_service_address(url: str, setting: str) -> None:
    """Refuse an address at which others could read keys on their way.

    Args:
        url: The address.
        setting: Where it was set, for the message.

    Raises:
        KeyReferenceError: If it is neither https nor loopback. The address is not repeated, it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise KeyReferenceError(f"{setting} must be an https URL; http is for loopback alone")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
