"""The part of the gate that is about its own keys: showing them, and asking for their change.

Asking changes nothing. The policy in force has to permit the action, and somebody else has to sign it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, NotAllowed
from maskgate.gate.changing import Change, file_change
from maskgate.gate.governed import REVOKE_GATE_KEY, ROTATE_GATE_KEY
from maskgate.gate.key_rotation import must_be_revocable
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.request import get_request, list_requests

if TYPE_CHECKING:
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_LONGEST_WHY = 500


class KeyVerbs:
    """The verbs about the gate's keys; `Gate` is all of it."""

    _parts: Parts

    def key_ring(self) -> dict[str, Any]:
        """Show the public keys of the gate, for pinning. They are no secret; that they are these, others must tell."""
        with self._parts.store.read() as work:
            return self._parts.keys.ring(work).as_json()

    def rotate_key(self, caller: Caller, why: str) -> dict[str, Any]:
        """Ask whether another key may take the place of the one in use.

        Raises:
            NotAllowed: If the caller may not ask.
            Refused: If there is no other key, or the policy in force does not permit it.
        """
        person = self._may_ask(caller)
        with self._parts.store.read() as work:
            waiting = _waiting(work, ROTATE_GATE_KEY)
            if waiting is not None:
                return self._parts.document(work, waiting)
            old, new = self._parts.keys.ring(work).current.fingerprint, self._parts.keys.candidate(work).fingerprint
        what = f"another key is to take the place of the gate's key. {visible(why, _LONGEST_WHY)}".strip()
        lines = (f"- {old}", f"+ {new}")
        return self._ask(Change(ROTATE_GATE_KEY, new, what, lines, person))

    def revoke_key(self, caller: Caller, key: str, why: str) -> dict[str, Any]:
        """Ask whether a key that was replaced may be revoked, and its grants be void.

        Raises:
            NotAllowed: If the caller may not ask.
            Refused: If the key cannot be revoked, or the policy in force does not permit it.
        """
        person = self._may_ask(caller)
        with self._parts.store.read() as work:
            must_be_revocable(self._parts, work, key)
            waiting = _waiting(work, REVOKE_GATE_KEY, key)
            if waiting is not None:
                return self._parts.document(work, waiting)
        what = f"a key that the gate had is to be revoked. {visible(why, _LONGEST_WHY)}".strip()
        return self._ask(Change(REVOKE_GATE_KEY, key, what, (f"- {key}",), person))

    def _may_ask(self, caller: Caller) -> str | None:
        """Return who asks; their token must be one for this."""
        holder = self._parts.registry.holder(caller.token)
        if caller.role != "operator" or holder.agent or holder.on_behalf_of is not None:
            raise NotAllowed("changes of the gate's keys are asked for by a token of the role operator, of no agent.")
        return holder.owner

    def _ask(self, change: Change) -> dict[str, Any]:
        with self._parts.store.write() as work:
            filed = file_change(self._parts, work, change)
            if not isinstance(filed, MaskgateError):
                return self._parts.document(work, get_request(work, filed.id))
        raise filed


def _waiting(work: Work, action: str, subject: str | None = None) -> Request | None:
    for request in list_requests(work, State.PENDING):
        if request.action == action and subject in {None, request.subject}:
            return request
    return None
