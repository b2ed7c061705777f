"""Dry runs by a releaser process: the gate asks for one, signed, and waits; nothing of it is stored but what is shown.

* What is to be tried travels in memory, as the arguments of an action do, from the gate that was asked to the releaser.
* A releaser makes none that no key of its pinned ring has asked for, and none for a handler that does something else.
* Where the handler offers one and it does not come, the action is refused: people would sign less than they could see.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment, timestamp
from maskgate.errors import Conflict, Refused, TooMany
from maskgate.gate.envelope import open_payload, seal_payload
from maskgate.gate.markdown import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from maskgate.gate.ring import Ring
    from maskgate.gate.signer import SigningKey

PAYLOAD_TYPE = "application/vnd.maskgate.dry-run+json"
MOST_LINES = 200
_TYPE = "maskgate-dry-run/1"
_MOST_WAITING = 16
# A caller waits for its answer for half a minute; before that it is told why there is none.
_TAKEN_SECONDS, _MADE_SECONDS = 10.0, 15.0
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True)
class DryRun:
    """What is to be tried.

    Attributes:
        id: Random.
        action: The verb.
        resource: What it is about.
        arguments: Every argument.
        handler_digest: What the handler does.
        asked_at: When.
    """

    id: str
    action: str
    resource: str
    arguments: Mapping[str, Any]
    handler_digest: str
    asked_at: datetime

    @classmethod
    def new(cls, action: str, resource: str, arguments: Mapping[str, Any], handler: str, now: datetime) -> DryRun:
        """Make one under an id that nobody can guess."""
        return cls(f"dry_{secrets.token_hex(16)}", action, resource, arguments, handler, now)

    def signed(self, signer: SigningKey) -> dict[str, Any]:
        """Put it into a signed envelope."""
        said = {
            "typ": _TYPE,
            "id": self.id,
            "action": self.action,
            "resource": self.resource,
            "arguments": dict(self.arguments),
            "handler_digest": self.handler_digest,
            "asked_at": timestamp(self.asked_at),
        }
        return seal_payload(PAYLOAD_TYPE, said, signer)

    @classmethod
    def opened(cls, envelope: Any, ring: Ring) -> DryRun:
        """Return what a key of the ring asks for.

        Raises:
            Refused: If none does.
        """
        said, keyid = open_payload(PAYLOAD_TYPE, envelope, ring, "dry run")
        try:
            asked_at = moment(said["asked_at"])
            found = cls(
                said["id"], said["action"], said["resource"], said["arguments"], said["handler_digest"], asked_at
            )
            is_known = said["typ"] == _TYPE
        except (KeyError, TypeError, ValueError):
            is_known = False
        if not is_known:
            raise Refused("this is no dry run of a kind that this releaser knows.")
        ring.must_answer_for(keyid, asked_at)
        return found


@dataclass
class _Waiting:
    action: str
    envelope: Mapping[str, Any]
    taken: threading.Event = field(default_factory=threading.Event)
    made: threading.Event = field(default_factory=threading.Event)
    lines: tuple[str, ...] = ()
    refusal: str = ""


class DryRuns:
    """The dry runs that callers of one gate process wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}

    def ask(self, wanted: DryRun, signer: SigningKey) -> tuple[str, ...]:
        """Have a releaser make a dry run, and wait for it.

        Raises:
            Refused: If it shows that the action could not be done, or none came in time.
            TooMany: If too many callers wait for theirs.
        """
        mine = _Waiting(wanted.action, wanted.signed(signer))
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                raise TooMany(f"{_MOST_WAITING} dry runs are being made at this gate. Ask again in a moment.")
            self._waiting[wanted.id] = mine
        try:
            where = f"the dry run of `{wanted.action}`"
            if not mine.taken.wait(_TAKEN_SECONDS):
                raise Refused(
                    f"{where} was not made, because no releaser that carries it out asked this gate for work. Nobody "
                    "was asked. Start the releaser, and ask again."
                )
            if not mine.made.wait(_MADE_SECONDS):
                raise Refused(f"{where} took longer than {_MADE_SECONDS:.0f} seconds. Nobody was asked.")
        finally:
            with self._lock:
                del self._waiting[wanted.id]
        if mine.refusal:
            raise Refused(mine.refusal)
        return mine.lines

    def take(self, actions: Collection[str]) -> list[Mapping[str, Any]]:
        """Give out the signed dry runs of these verbs that nobody has taken, once each."""
        with self._lock:
            found = [each for each in self._waiting.values() if each.action in actions and not each.taken.is_set()]
            for each in found:
                each.taken.set()
        return [each.envelope for each in found]

    def answer(self, dry_run: str, lines: Collection[str], refusal: str) -> None:
        """Take what a releaser says came of one.

        Raises:
            Conflict: If nobody waits for it any more.
        """
        with self._lock:
            found = self._waiting.get(dry_run)
            if found is None or not found.taken.is_set() or found.made.is_set():
                raise Conflict(f"nobody waits for the dry run {visible(dry_run, 40)} any more.")
            found.lines, found.refusal = tuple(lines)[:MOST_LINES], visible(refusal, _LONGEST_MESSAGE)
            found.made.set()
