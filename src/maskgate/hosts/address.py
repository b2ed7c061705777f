"""Where an orchestrator's API is, checked before anything is sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

from maskgate.errors import UsageError


def checked_address(kind: str, instance: str, url: str) -> str:
    """Return the address without a slash at its end.

    Raises:
        UsageError: If it is no http or https URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise UsageError(f"{kind} {instance}: {url!r} is no http or https URL")
    return url.rstrip("/")
