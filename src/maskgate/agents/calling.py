"""One call of an agent: asked at the gate, held or let through, made once.

* What policy allows goes through at once. What it holds comes back as pending, with the address where people sign; that
  is an answer and no error, so that an agent does not try again and again.
* After the signature the same call, with the same arguments, goes through once. Changed arguments are another request.
* A call that was denied is told to be, once; after that the same call asks anew, if policy lets it.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.agents.tools import Result
from maskgate.approval.call import Call
from maskgate.errors import MaskgateError, NotFound
from maskgate.gate.how_it_ended import what_was_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.agents.tools import Tool
    from maskgate.approval.call import Begun
    from maskgate.gate.client import GateClient

DONE, PENDING, DENIED, REFUSED, FAILED = "done", "pending", "denied", "refused", "failed"
_OVER = frozenset({"denied", "expired", "withdrawn", "refused", "indeterminate"})
_WAITING = frozenset({"sealing", "pending"})


@dataclass(frozen=True)
class Answer:
    """What an agent is told.

    Attributes:
        status: ``done``, ``pending``, ``denied``, ``refused`` or ``failed``.
        text: For the model.
        facts: For programs: the request's id, its page, the result.
    """

    status: str
    text: str
    facts: Mapping[str, Any]

    @property
    def is_error(self) -> bool:
        """Whether the call did not do what it was to do. Pending is none."""
        return self.status not in {DONE, PENDING}

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"status": self.status, "message": self.text, **self.facts}


class Calls:
    """The calls of one agent.

    Args:
        client: The gate, with the agent's token.
        fingerprint: Of the gate's key; by default MASKGATE_FINGERPRINT.
    """

    def __init__(self, client: GateClient, fingerprint: str | None = None) -> None:
        self._client = client
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}

    def ask(self, tool: Tool, arguments: Mapping[str, Any]) -> Allowed | Answer:
        """Ask for a call; return the right to make it, or what to tell the agent."""
        try:
            tool.check(arguments)
            signed = tool.signed(arguments)
            key = json.dumps([tool.action, tool.resource_of(arguments), signed], sort_keys=True)
            over = self._denied(key)
            return over if over is not None else self._ask(tool, arguments, signed, key)
        except MaskgateError as error:
            return Answer(REFUSED, f"Not done: {error}", {})

    def _ask(self, tool: Tool, arguments: Mapping[str, Any], signed: Mapping[str, Any], key: str) -> Allowed | Answer:
        resource = tool.resource_of(arguments)
        call = Call(self._client, tool.action, resource, why=tool.why, arguments=signed, fingerprint=self._fingerprint)
        document = call.document
        facts = {"request": call.id, "url": call.url, "state": document["state"]}
        if document["state"] in _WAITING:
            with self._lock:
                self._held[key] = call.id
            return Answer(
                PENDING,
                f"This call waits for a person to sign it: {call.url} It was not made. Go on with something else; once "
                "it is signed, the same call with the same arguments goes through.",
                facts,
            )
        if document["state"] != "approved":
            return Answer(REFUSED, f"Not done: request {call.id} is {document['state']}. {document['message']}", facts)
        begun = call.begin(tool.signed(arguments))
        with self._lock:
            self._held.pop(key, None)
        return Allowed(call, begun)

    def _denied(self, key: str) -> Answer | None:
        """Return what became of the request that this call was held for, if that was a denial."""
        with self._lock:
            held = self._held.get(key)
        if held is None:
            return None
        try:
            document = self._client.request(held)
        except NotFound:
            document = {"state": "withdrawn", "message": "It is gone.", "url": ""}
        if document["state"] not in _OVER:
            return None
        with self._lock:
            self._held.pop(key, None)
        facts = {"request": held, "url": document["url"], "state": document["state"]}
        why = f"{document['message']}{what_was_written(document)}"
        return Answer(DENIED, f"Not done: this call was {document['state']}. {why} Do not repeat it.", facts)


class Allowed:
    """The right to make a call now."""

    def __init__(self, call: Call, begun: Begun) -> None:
        self._call = call
        self._begun = begun

    def make(self, run: Callable[[], Result]) -> Answer:
        """Make the call, and report it."""
        try:
            with self.being_made():
                result = run()
        except BaseException:
            self.report(Result("", succeeded=False))
            raise
        return self.report(result)

    @contextmanager
    def being_made(self) -> Iterator[None]:
        """Tell the gate that the call is being made."""
        with self._call.carrying_out(self._begun):
            yield

    def report(self, result: Result) -> Answer:
        """Say at the gate how it ended, and return what to tell the agent."""
        outcome = result.outcome
        facts: dict[str, Any] = {"request": self._call.id, "url": self._call.url}
        try:
            facts["state"] = self._call.report(self._begun, **outcome)["state"]
        except MaskgateError as error:
            facts["warning"] = str(error)
        if result.value is not None:
            facts["result"] = result.value
        if result.exit_code is not None:
            facts["exit_code"] = result.exit_code
        return Answer(DONE if result.succeeded else FAILED, result.text, facts)
