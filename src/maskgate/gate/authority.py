"""Whether somebody may decide a request. Every channel ends here; there is no other way to a decision.

* Only an account that the policy links to a person; never a token, never the gate's own account.
* Only through a channel that the policy allows.
* Only with a login as fresh as the policy asks for.
* Nobody involved, whichever of their accounts they use.
* Only someone in a reviewer group that the request needs, by name or by a fresh group claim; once it was escalated,
  or by break-glass, in the group that the policy names for it. Who stands in for another has to be one all the same.
* Only about what they saw: intent and context are those of the request, to the byte.
* An approval with a reason as long as the policy asks for; a denial counts without one, because it is the safe side.
* Once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskgate.errors import Conflict, NotAllowed, Refused, UsageError
from maskgate.gate.fresh_login import must_be_fresh
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.people import shown_accounts
from maskgate.gate.reasons import length_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from maskgate.gate.delegation import Delegation
    from maskgate.gate.model import DecisionInput, Identity
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request

LONGEST_REASON = 2000


@dataclass(frozen=True)
class Authority:
    """The right to decide one request.

    Attributes:
        person: Who decides.
        account: The account that they came with.
        groups: The reviewer groups whose slots they may fill.
        acting_for: The person whom they stand in for.
    """

    person: str
    account: str
    groups: frozenset[str]
    acting_for: str | None = None


def authorize(
    request: Request,
    decision: DecisionInput,
    policy: Policy,
    decided: Collection[str],
    now: datetime,
    *,
    delegations: Collection[Delegation] = (),
) -> Authority:
    """Establish that a decision counts.

    Args:
        request: What is decided.
        decision: The decision, and who says so through which channel.
        policy: The policy in force.
        decided: People who have decided it already, or for whom somebody did.
        now: The present moment.
        delegations: Those in which this person stands in for another.

    Raises:
        NotAllowed: If this person may not decide this request, so or at all.
        Conflict: If the request cannot be decided any more, or is not the one that was seen.
        Refused: If the reason is too short.
        UsageError: If it is neither an approval nor a denial.
    """
    if decision.verdict not in {"approve", "deny"}:
        raise UsageError('a decision is "approve" or "deny"')
    authority = may_decide(
        request, decision.identity, policy, decided, now, breaks_glass=decision.break_glass is not None
    )
    if decision.acting_for is not None:
        asked = any(each.delegator == decision.acting_for and each.is_live(now) for each in delegations)
        authority = _stand_in(request, authority, decision.acting_for, policy, is_asked=asked, decided=decided)
    if (decision.intent_digest, decision.context_digest) != (request.intent_digest, request.context_digest):
        raise Conflict(f"what was signed is not request {request.id} as it stands. Open it again, read it, and decide.")
    _must_have_reason(request, decision)
    return authority


def may_decide(
    request: Request,
    identity: Identity,
    policy: Policy,
    decided: Collection[str],
    now: datetime,
    *,
    breaks_glass: bool = False,
) -> Authority:
    """Establish that somebody may decide a request, whatever they will say.

    Raises:
        NotAllowed: If this person may not.
        Conflict: If it cannot be decided any more, or not by them again.
    """
    _must_be_open(request, now)
    person, account = _who(request, identity, policy)
    wanted = request.reviewer_groups(breaks_glass=breaks_glass)
    groups = policy.groups_of(person, identity, now)
    if request.escalated_to in groups:
        groups |= request.requirement.slots.keys()
    if not groups & wanted:
        raise NotAllowed(
            f"{person} is not among the reviewers of this request, who are {', '.join(sorted(wanted))}. If a group of "
            f"the identity provider makes them one, they have to log in again. {identity.groups_missing}".rstrip()
        )
    if person in decided:
        raise Conflict(
            f"{person} has decided request {request.id} already. One person signs once; another has to sign."
        )
    must_be_fresh(request.reauthenticate, identity, now)
    return Authority(person, account, groups)


def _stand_in(
    request: Request, own: Authority, absent: str, policy: Policy, *, is_asked: bool, decided: Collection[str]
) -> Authority:
    """Let somebody who may decide anyway fill the slot of somebody who is away."""
    if not is_asked:
        raise NotAllowed(f"{visible(absent, 100)} has not asked {own.person} to stand in for them now.")
    if absent in request.involved:
        raise NotAllowed(f"{absent} is involved in request {request.id}, so nobody can decide it for them either.")
    if absent in decided:
        raise Conflict(f"{absent} has decided request {request.id} already.")
    groups = policy.named_groups(absent) & request.requirement.slots.keys()
    if not groups:
        raise NotAllowed(f"{absent} is not among the reviewers of this request, so nobody can stand in for them here.")
    return replace(own, groups=groups, acting_for=absent)


def _must_be_open(request: Request, now: datetime) -> None:
    if request.state is not State.PENDING:
        raise Conflict(f"request {request.id} is {request.state}; it cannot be decided (any more).")
    if request.is_overdue(now):
        raise Conflict(f"the time to decide request {request.id} is over; that is a denial. Ask again.")


def _who(request: Request, identity: Identity, policy: Policy) -> tuple[str, str]:
    if identity.channel not in request.channels:
        raise NotAllowed(
            f"the policy takes no decision about this request through {identity.channel}, "
            f"only through {', '.join(request.channels)}."
        )
    person = policy.people.person_of(identity.accounts)
    shown = shown_accounts(identity.accounts) or "nobody"
    if person is None:
        raise NotAllowed(
            f"the account {shown} is linked to nobody in the policy, so it decides nothing. "
            "Have it linked to its person under `people:`."
        )
    if person in request.involved:
        raise NotAllowed(
            f"{person} ({shown}) is involved in request {request.id}, and cannot also decide it. "
            "Another reviewer has to; to take the request back, withdraw it."
        )
    return person, identity.accounts[0]


def _must_have_reason(request: Request, decision: DecisionInput) -> None:
    if len(decision.reason) > LONGEST_REASON:
        raise Refused(f"a reason has at most {LONGEST_REASON} characters.")
    length = length_of(decision.reason)
    if decision.verdict == "approve" and length < request.reason_min_length:
        raise Refused(
            f"an approval of this request needs a reason of at least {request.reason_min_length} characters; "
            f"this one has {length}. Padding does not count."
        )
