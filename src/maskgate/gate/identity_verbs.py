"""The verbs of the gate that are about who is there: logins and first views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate import viewing
from maskgate.gate.markdown import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maskgate.gate.model import Identity
    from maskgate.gate.parts import Parts


class IdentityVerbs:
    """What :class:`~maskgate.gate.service.Gate` does about who is there."""

    _parts: Parts

    def record_login(self, account: str, groups: Sequence[str], proof: Mapping[str, Any] | None = None) -> None:
        """Record that somebody logged in, and how sure it is who."""
        with self._parts.store.write() as work:
            shown = [visible(group, 200) for group in groups]
            known = proof or {}
            self._parts.record(work, "login.completed", account=visible(account, 500), groups=shown, **known)

    def record_login_refused(self, provider: str, message: str) -> None:
        """Record that a login did not succeed."""
        with self._parts.store.write() as work:
            refusal = visible(message, 500)
            self._parts.record(work, "login.refused", provider=visible(provider, 100), refusal=refusal)

    def note_view(self, request_id: str, identity: Identity) -> None:
        """Record that somebody concerned sees the page of a request, the first time."""
        viewing.note_view(self._parts, request_id, identity)
