"""The gate's verbs about actions that release no staged files: ask, carry out, and say how it ended."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from maskgate.gate import action_asking, action_running
from maskgate.gate.envelope import keyid_of
from maskgate.gate.request import get_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.action_handler import Outcome
    from maskgate.gate.calls import ActionInput
    from maskgate.gate.host import HostRun
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts


class ActionVerbs:
    """The part of the gate that is about actions; `Gate` is all of it."""

    _parts: Parts

    def ask_for_action(self, caller: Caller, wanted: ActionInput) -> dict[str, Any]:
        """Ask for an action; the same call by the same token gets the same request for as long as that is open."""
        return self._shown(action_asking.ask_for_action(self._parts, caller, wanted).id)

    def _start_action(
        self, request_id: str, run: HostRun | None, arguments: Mapping[str, Any] | None, digest: str | None
    ) -> dict[str, Any]:
        """Start an approved action; a caller who carries it out gets the signed grant, once, under ``grant``."""
        begun = action_running.start(self._parts, request_id, run, arguments=arguments, digest=digest)
        document = self._shown(request_id)
        if begun is None:
            return document
        # The key that signed it, which may have been replaced since.
        signed_by = self._parts.ring[keyid_of(begun.envelope)]
        handed = {
            "envelope": dict(begun.envelope),
            "fence": begun.fence,
            "public_key": base64.b64encode(signed_by.public_key.public_bytes_raw()).decode(),
            "lease_seconds": int(action_running.CALLER_LEASE.total_seconds()),
        }
        return document | {"grant": handed}

    def _report(self, request_id: str, fence: int, outcome: Outcome | None) -> dict[str, Any]:
        if outcome is None:
            action_running.renew(self._parts, request_id, fence)
        else:
            action_running.report(self._parts, request_id, fence, outcome)
        return self._shown(request_id)

    def _shown(self, request_id: str) -> dict[str, Any]:
        with self._parts.store.read() as work:
            return self._parts.document(work, get_request(work, request_id))
