"""What the gate asks of a channel that tells people: send this document's ids, counts and link, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier(Protocol):
    """One way of telling people. The gate calls it after the change is stored, and again later if it fails."""

    @property
    def channel(self) -> str:
        """What the ledger calls this way, such as ``slack``."""
        ...

    def notify(self, document: Mapping[str, Any]) -> None:
        """Tell people how a request stands.

        Args:
            document: The request as the REST API shows it; not all of it may be sent.

        Raises:
            MaskgateError: If it could not be sent. The message holds no secret of the channel.
        """
        ...

    def announce(self, person: str, text: str) -> None:
        """Tell a person something that is about no request, such as that they have a new passkey.

        Args:
            person: Whom it concerns; a way that reaches many tells all of them.
            text: What to say; it names the person.

        Raises:
            MaskgateError: If it could not be sent. The message holds no secret of the channel.
        """
        ...
