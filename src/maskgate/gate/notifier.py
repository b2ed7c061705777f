"""What the gate tells people by chat or mail: ids, counts and a link, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Notice:
    """One thing to tell.

    Attributes:
        kind: ``waiting`` (a request waits for a decision) or ``settled`` (it does no longer).
        request: The request's id.
        state: Its state.
        action: What was asked for.
        destination: The destination's id; empty if the action has none.
        trust: The destination's trust; empty likewise.
        requester: The person who asked; empty if nobody is known.
        tables: Rows of each table.
        reviewers: The reviewer groups that are asked.
        url: The review page. It carries no authority.
    """

    kind: str
    request: str
    state: str
    action: str
    destination: str
    trust: str
    requester: str
    tables: tuple[tuple[str, int], ...]
    reviewers: tuple[str, ...]
    url: str


class Notifier(Protocol):
    """One way of telling people."""

    @property
    def name(self) -> str:
        """What the ledger calls this way, such as ``slack``."""
        ...

    def send(self, notice: Notice) -> None:
        """Send one notice.

        Raises:
            MaskgateError: If it could not be sent. The message holds no secret of the channel.
        """
        ...
