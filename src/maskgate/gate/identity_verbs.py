"""The verbs of the gate that are about who is there: logins, first views, passkeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.gate import deciding, enrolment, viewing
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request
from maskgate.gate.unknown_names import unknown_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maskgate.gate.enrolment import Enrolling
    from maskgate.gate.model import DecisionInput, Identity
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

    def passkeys(self, identity: Identity) -> list[dict[str, Any]]:
        """Show somebody their own passkeys."""
        with self._parts.store.read() as work:
            person = active_policy(work).people.person_of(identity.accounts)
            found = [] if person is None else enrolment.passkeys_of(work, person)
        return [
            {
                "id": row.id,
                "name": row.name,
                "account": row.account,
                "registered_at": timestamp(row.registered_at),
                "used_at": None if row.used_at is None else timestamp(row.used_at),
            }
            for row in found
        ]

    def may_enrol(self, identity: Identity) -> Enrolling:
        """Say whether somebody may add a passkey now, and why not."""
        return enrolment.may_enrol(self._parts, identity)

    def warnings_about_passkeys(self) -> tuple[str, ...]:
        """Say which policies want passkeys that nobody can have at this gate."""
        return enrolment.warnings(self._parts)

    def warnings_about_names(self, logins: Iterable[str]) -> tuple[str, ...]:
        """Say which reviewers cannot come in at this gate, and which names of the policy stand for nothing."""
        with self._parts.store.read() as work:
            policy = active_policy(work)
        issuers = {*logins, *self._parts.hosts}
        return tuple(f"warning: {each}" for each in unknown_names(policy, self._parts.registry, issuers))

    @property
    def ways_of_telling(self) -> tuple[str, ...]:
        """What the ways of telling people are called."""
        return tuple(each.channel for each in self._parts.notifiers)

    def begin_enrolment(self, identity: Identity) -> tuple[str, dict[str, Any]]:
        """Let somebody make a passkey: a nonce, and what their browser needs."""
        return enrolment.begin_enrolment(self._parts, identity)

    def enrol(self, identity: Identity, nonce: str, name: str, answer: Mapping[str, Any]) -> None:
        """Keep the passkey that somebody's browser made, and have them told of it by another way."""
        enrolment.enrol(self._parts, identity, nonce, name, answer)

    def revoke_passkey(self, identity: Identity, passkey: str) -> None:
        """Revoke one of one's own passkeys."""
        enrolment.revoke(self._parts, identity, passkey)

    def wants_passkey(self, request_id: str) -> bool:
        """Whether an approval of a request must be signed with a passkey."""
        with self._parts.store.read() as work:
            return get_request(work, request_id).wants_passkey

    def prepare_signature(self, request_id: str, decision: DecisionInput) -> tuple[str, dict[str, Any]]:
        """Let somebody sign a decision with a passkey: a nonce, and what their browser needs. It decides nothing."""
        return deciding.prepare_signature(self._parts, request_id, decision)
