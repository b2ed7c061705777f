"""Who is involved in a request, and therefore may not decide it.

* Who started a run is read from the host; a name that is nobody's is a refusal.
* Callers may only add people. What they add never counts as knowing who asked.
* If nobody is known to have asked, two different people have to sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed, UsageError
from maskgate.gate.people import shown_accounts

if TYPE_CHECKING:
    from maskgate.gate.host import HostRun, RunFacts
    from maskgate.gate.policy import Policy


@dataclass(frozen=True)
class Involvement:
    """Who asks.

    Attributes:
        person: The one person known to have asked; None if there is none, or more than one.
        account: The account that they asked with, where a host named it.
        people: Everyone who may not decide.
        is_known: Whether anybody is known to have asked.
    """

    person: str | None
    account: str | None
    people: frozenset[str]
    is_known: bool


def involve(
    policy: Policy, run: HostRun | None, facts: RunFacts | None, token_owner: str | None, added: tuple[str, ...]
) -> Involvement:
    """Find out who is involved.

    Args:
        policy: People and who answers for scheduled runs.
        run: Which run asks, if one does.
        facts: What the host says about it.
        token_owner: The person who owns the token, if the configuration names one.
        added: People or accounts that the caller adds.

    Raises:
        NotAllowed: If the one who started the run is nobody in the policy, or two people.
        UsageError: If the caller adds somebody unknown.
    """
    starter = None
    owners: frozenset[str] = frozenset()
    answering: frozenset[str] = frozenset()
    if run is not None and facts is not None:
        owners, _unlinked = policy.people.resolve(facts.owners)
        if facts.triggered_by:
            starter = _starter(policy, facts)
        else:
            answering = owners | policy.requesters_of(run.host, facts.workflow)
    owner = _token_owner(policy, token_owner)
    more, unknown = policy.people.resolve(added)
    if unknown:
        raise UsageError(
            f"requesters: {shown_accounts(unknown)} is nobody in the policy. "
            "Name people of `people:`, or their accounts."
        )
    known = frozenset({starter}) if starter else answering | owner
    return Involvement(
        person=next(iter(known)) if len(known) == 1 else None,
        account=facts.triggered_by[0] if starter and facts is not None else None,
        people=known | owners | owner | more,
        is_known=bool(known),
    )


def _starter(policy: Policy, facts: RunFacts) -> str:
    person = policy.people.person_of(facts.triggered_by)
    if person is None:
        raise NotAllowed(
            f"the run was started by {shown_accounts(facts.triggered_by)}, who is nobody in the policy. "
            "Link the account to a person under `people:`, or have a linked person start the run."
        )
    return person


def _token_owner(policy: Policy, token_owner: str | None) -> frozenset[str]:
    if token_owner is None:
        return frozenset()
    if token_owner not in policy.people:
        raise NotAllowed(
            f"the gate's configuration says that the token belongs to {token_owner!r}, who is nobody in the policy. "
            "Correct `tokens:` in the configuration, or add the person."
        )
    return frozenset({token_owner})
