"""The part of the gate that a releaser process talks to while it carries out actions by its handlers.

* Arguments are in the memory of the gate that was asked to release, until a releaser takes them; they are kept nowhere.
* The releaser believes neither the row nor the handler's name: it verifies grant, intent and arguments first.
* What was begun and did not end is asked of the handler that did it; where that cannot tell, it is *indeterminate*.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.clock import timestamp
from maskgate.errors import Conflict
from maskgate.gate import consumption
from maskgate.gate.action_running import HeldAction, fail_action, finish_action, give_up_action
from maskgate.gate.consumption import Held
from maskgate.gate.markdown import visible
from maskgate.gate.releaser_names import must_be_releaser, worker_name
from maskgate.gate.request import get_request
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Collection

    from maskgate.gate.action_handler import Outcome
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_AFTERWARDS = timedelta(seconds=60)
_LONGEST_MESSAGE = 1000
_BEGUN = "committing"


class HandlerVerbs:
    """The verbs of a releaser process that has handlers; `Gate` is all of it."""

    _parts: Parts

    def actions_to_do(self, caller: Caller, actions: Collection[str]) -> dict[str, Any]:
        """List what was started, and what was begun and did not end, of these verbs; without arguments."""
        must_be_releaser(caller)
        with self._parts.store.read() as work:
            now, waiting = self._parts.clock.now(), self._parts.queue.waiting(elsewhere=True)
            begun = [each for each in consumption.interrupted(work, now) if each not in waiting]
            found = [_work_of(work, get_request(work, each), is_new=each in waiting) for each in (*waiting, *begun)]
            return {"now": timestamp(now), "actions": [each for each in found if each and each["action"] in actions]}

    def take_dry_runs(self, caller: Caller, actions: Collection[str]) -> dict[str, Any]:
        """Give out, once each, the dry runs of these verbs that callers of this gate wait for, each signed."""
        must_be_releaser(caller)
        return {"dry_runs": self._parts.dry_runs.take(actions)}

    def answer_dry_run(self, caller: Caller, dry_run: str, lines: Collection[str], refusal: str) -> None:
        """Say what came of a dry run, or why there is none.

        Raises:
            Conflict: If nobody waits for it any more.
        """
        must_be_releaser(caller)
        self._parts.dry_runs.answer(dry_run, lines, refusal)

    def take_action(self, caller: Caller, request_id: str, instance: str, seconds: int) -> dict[str, Any]:
        """Take an action, once, with its arguments; from here on it counts as begun.

        Args:
            caller: The releaser.
            request_id: Which request.
            instance: Which of its processes.
            seconds: How long its handler may take.

        Raises:
            Conflict: If somebody else has it, or it is over.
        """
        worker = worker_name(must_be_releaser(caller), instance)
        held = self._parts.queue.take(request_id)
        with self._parts.store.write() as work:
            request, now = get_request(work, request_id), self._parts.clock.now()
            row = _grant(work, request)
            if isinstance(held, HeldAction):
                taken = consumption.hand_over(work, held, worker)
                consumption.begin_commit(work, taken, now, timedelta(seconds=seconds) + _AFTERWARDS)
                self._parts.record(work, "release.committing", request, grant=held.grant, fence=taken.fence)
                return {"fence": taken.fence, "state": "new", "now": timestamp(now), "arguments": dict(held.arguments)}
            if row.state != _BEGUN:
                raise Conflict(f"request {request_id}: nobody has started this action here.")
            taken = consumption.consume(work, row.id, worker=worker, now=now)
            return {"fence": taken.fence, "state": "begun", "now": timestamp(now)}

    def finish_action(self, caller: Caller, request_id: str, fence: int, outcome: Outcome) -> None:
        """Say how an action ended."""
        with self._parts.store.write() as work:
            request, held = self._held_action(caller, work, request_id, fence)
            finish_action(self._parts, work, request, held, outcome)

    def end_action(self, caller: Caller, request_id: str, fence: int, outcome: str, message: str) -> None:
        """Say that nothing of an action took place, or that it cannot be told."""
        with self._parts.store.read() as work:
            _, held = self._held_action(caller, work, request_id, fence)
        end = fail_action if outcome == "failed" else give_up_action
        end(self._parts, request_id, held, visible(message, _LONGEST_MESSAGE))

    def _held_action(self, caller: Caller, work: Work, request_id: str, fence: int) -> tuple[Request, Held]:
        name, request = must_be_releaser(caller), get_request(work, request_id)
        row = _grant(work, request)
        is_its = row.worker is not None and row.worker.startswith(worker_name(name, ""))
        if not is_its or row.fence != fence:
            raise Conflict(f"grant {row.id}: attempt {fence} was overtaken by a later one, and does not go on.")
        return request, Held(row.id, fence)


def _grant(work: Work, request: Request) -> Any:
    row = work.execute(select(tables.grants).where(tables.grants.c.request == request.id)).first()
    if row is None or not request.is_action:
        raise Conflict(f"request {request.id} is no action that was started.")
    return row


def _work_of(work: Work, request: Request, *, is_new: bool) -> dict[str, Any] | None:
    if not request.is_action or request.level != "release":
        return None
    row = _grant(work, request)
    if not is_new and row.state != _BEGUN:
        return None
    return {
        "request": request.id,
        "action": request.action,
        "resource": request.resource,
        "salt": dict(request.arguments or {}).get("salt"),
        "grant": row.envelope,
        "intent": dict(request.intent or {}),
    }
