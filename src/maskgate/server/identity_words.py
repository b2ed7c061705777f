"""What a page says of how sure it is who decides: fresh logins, passkeys, and whether they had looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def how_decided(decision: Mapping[str, Any]) -> str:
    """Say how a decision came about, as the end of a sentence; nothing if there is nothing to say.

    Example:
        >>> how_decided({"passkey": {"credential": "…"}, "quick": True})
        ', signed with a passkey, within 3 seconds of first seeing this page'
    """
    words = [", signed with a passkey"] if decision.get("passkey") else []
    if decision.get("quick"):
        words.append(", within 3 seconds of first seeing this page")
    elif decision.get("unviewed"):
        words.append(", without having seen this page")
    return "".join(words)


def proof_facts(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Go through what the policy wants of whoever decides."""
    policy = document.get("policy") or {}
    seconds = policy.get("reauthenticate_seconds")
    if seconds is not None:
        minutes, rest = divmod(int(seconds), 60)
        age = f"{seconds} seconds" if rest else "a minute" if minutes == 1 else f"{minutes} minutes"
        yield {"name": "Login no older than", "value": age}
    if policy.get("passkey"):
        yield {"name": "Approvals are signed with", "value": "a passkey"}
