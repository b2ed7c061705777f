"""A releaser process carries out actions by its own handlers, against what a key of its pinned ring has signed.

In this order: the signature; that the grant is for this request and verb; that the intent is the one that was signed,
and names a handler that does what the one here does; that it has not run out; and, once it is taken, that the arguments
are those that were signed. Then it is noted on this machine's disk, by the grant, before the handler runs: whatever the
gate says later, a grant begins one action.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment, timestamp
from maskgate.errors import Conflict, MaskgateError, Refused
from maskgate.gate.action_asking import handler_digest
from maskgate.gate.action_handler import LEVEL, ActionOrder, IndeterminateError, Outcome
from maskgate.gate.calls import call_digest, checked_arguments
from maskgate.gate.fault_points import reach
from maskgate.gate.grants import open_envelope
from maskgate.gate.intent import intent_digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.grants import Grant
    from maskgate.gate.ring import Ring
    from maskgate.release.gate_link import GateLink

_LOG = logging.getLogger("maskgate.releaser")
_GRANT = re.compile(r"gr_[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class HandlerTurn:
    """What a releaser process acts with.

    Attributes:
        link: The gate.
        handlers: Its own, by verb, with their credentials.
        folder: Notes of what was begun, a file a grant.
    """

    link: GateLink
    handlers: Mapping[str, ActionHandler]
    folder: Path

    def step(self, ring: Ring, instance: str) -> bool:
        """Carry out what there is to carry out; say whether there was anything."""
        if not self.handlers:
            return False
        answer = self.link.actions(list(self.handlers))
        found = [each for each in answer.get("actions", ()) if isinstance(each, dict)]
        return any(self._act(each, ring, moment(str(answer.get("now"))), instance) for each in found)

    def _act(self, offered: Mapping[str, Any], ring: Ring, now: datetime, instance: str) -> bool:
        request, handler = str(offered.get("request")), self.handlers.get(str(offered.get("action")))
        if handler is None:
            return False
        try:
            grant, refusal = self._verified(offered, handler, ring, now), None
        except Refused as error:
            grant, refusal = None, error
        try:
            taken = self.link.take_action(request, instance, int(handler.time_limit.total_seconds()))
            fence, is_begun = int(taken["fence"]), taken["state"] == "begun"
            if grant is None:
                _LOG.warning("request %s is not carried out: %s", request, refusal)
                self.link.end_action(request, fence, "indeterminate" if is_begun else "failed", f"{refusal}")
            elif is_begun:
                self._settle(request, fence, grant, handler)
            else:
                self._run(offered, fence, grant, handler, taken.get("arguments"))
        except Conflict:
            return False  # Somebody else has it, or it is over.
        return True

    def _verified(self, offered: Mapping[str, Any], handler: ActionHandler, ring: Ring, now: datetime) -> Grant:
        grant = open_envelope(offered.get("grant") or {}, ring)
        intent = offered.get("intent")
        if (grant.request, grant.action) != (offered.get("request"), offered.get("action")) or grant.destination:
            raise Refused("the grant is for something else.")
        if not isinstance(intent, dict) or intent_digest_of(intent) != grant.intent_digest:
            raise Refused("the intent is not the one that was signed.")
        if intent.get("level") != LEVEL or intent.get("resource") != offered.get("resource"):
            raise Refused("what was signed is not carried out by a handler, or is about something else.")
        if intent.get("handler_digest") != handler_digest(handler):
            raise Refused(
                "the handler here does something else than what was signed. Write the same in gate.yaml and "
                "releaser.yaml."
            )
        if grant.not_after <= now:
            raise Refused(f"the grant ran out at {timestamp(grant.not_after)} before it was carried out.")
        if not _GRANT.fullmatch(grant.id):
            raise Refused("the grant has no name that this releaser knows.")
        return grant

    def _run(self, offered: Mapping[str, Any], fence: int, grant: Grant, handler: ActionHandler, said: Any) -> None:
        request = grant.request
        try:
            arguments = checked_arguments(said)
            digest = call_digest(grant.action, str(offered["resource"]), arguments, str(offered.get("salt")))
            if not hmac.compare_digest(digest.encode(), grant.content_digest.encode()):
                raise Refused("the arguments are not those that were signed.")
            self._note(grant)
        except MaskgateError as error:
            self.link.end_action(request, fence, "failed", f"{error} Nothing was done; ask again.")
            return
        reach("before handler")
        order = ActionOrder(grant.id, request, str(offered["resource"]), arguments)
        try:
            outcome = handler.run(order)
        except Refused as error:
            self.link.end_action(request, fence, "failed", str(error))
        except MaskgateError as error:
            self.link.end_action(request, fence, "indeterminate", str(error))
        except Exception as error:  # noqa: BLE001  drivers raise what they like; their messages may hold values
            self.link.end_action(request, fence, "indeterminate", f"the handler stopped ({type(error).__name__}).")
        else:
            reach("after handler")
            self._note_outcome(grant, outcome)
            self._finish(request, fence, outcome)

    def _settle(self, request: str, fence: int, grant: Grant, handler: ActionHandler) -> None:
        """Find out what became of an action that was begun: by the note here, or where only the handler can tell."""
        try:
            outcome = self._noted_outcome(grant) or handler.probe(grant.id)
        except IndeterminateError as error:
            if self._is_noted(grant):
                self.link.end_action(request, fence, "indeterminate", str(error))
                return
            outcome = None
        if outcome is None:
            why = "The releaser stopped before or while the handler ran, and nothing of it took place. Ask again."
            self.link.end_action(request, fence, "failed", why)
            return
        self._finish(request, fence, outcome)

    def _finish(self, request: str, fence: int, outcome: Outcome) -> None:
        self.link.finish_action(request, fence, asdict(outcome))

    def _note(self, grant: Grant) -> None:
        """Note that a grant begins its one action.

        Raises:
            Refused: If it did before.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / grant.id, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.fsync(descriptor)
            os.close(descriptor)
        except FileExistsError:
            raise Refused("this releaser has begun it before, and a grant works once.") from None
        except OSError as error:
            raise Refused(f"the releaser cannot note that it begins: {error.strerror}.") from None

    def _note_outcome(self, grant: Grant, outcome: Outcome) -> None:
        """Note how an action ended, before the gate is told, which may not answer."""
        whole = self.folder / f"{grant.id}.done"
        new = whole.with_suffix(".new")
        new.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
        new.replace(whole)

    def _noted_outcome(self, grant: Grant) -> Outcome | None:
        try:
            return Outcome(**json.loads((self.folder / f"{grant.id}.done").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _is_noted(self, grant: Grant) -> bool:
        return (self.folder / grant.id).exists()
