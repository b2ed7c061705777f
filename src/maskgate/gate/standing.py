"""Standing approvals: signed once, used by every later export of the same kind, until something is worse.

* Everyone whose signature it took has to want it, and signs what it covers; the policy says how far it may reach.
* Every use is an entry and has a grant of its own, for its own bytes. Uses and days are counted here.
* Nobody involved signs by it either: where a signer has to do with a later run, that run asks.
* Any reviewer ends it. It ends by itself when the policy changes, or when anything of the same data is denied.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.clock import timestamp
from maskgate.errors import Conflict, NotAllowed, NotFound
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.standing_intent import key_of, standing_digest, standing_intent, standing_key, what_is_worse
from maskgate.gate.standing_rows import shown_standing
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from maskgate.gate.model import DecisionInput, Identity
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.store import Work

LIVE, ENDED = "live", "ended"
_LONGEST_WHY = 500
_ROWS = tables.standing_approvals.c


def must_be_offered(request: Request, decision: DecisionInput) -> None:
    """Let somebody sign for later exports only what the gate offers for this request.

    Raises:
        NotAllowed: If the policy has no such thing, or this is no approval on the page.
        Conflict: If it is not what was seen.
    """
    if decision.standing is None:
        return
    offer = standing_intent(request)
    if offer is None or decision.verdict != "approve" or decision.identity.channel != "web":
        raise NotAllowed("the policy takes no signature of this request for later ones.")
    if decision.break_glass is not None:
        raise NotAllowed("nobody signs by break-glass for later requests.")
    if decision.standing != standing_digest(offer):
        raise Conflict("what was signed for later exports is not what the gate offers. Open the request again.")


def keep_standing(parts: Parts, work: Work, request: Request, made: Sequence[Mapping[str, Any]]) -> None:
    """Keep a standing approval, if everyone who approved wants it."""
    approvals = [row for row in made if row["verdict"] == "approve"]
    offer = standing_intent(request)
    if offer is None or not approvals or any(row["standing"] != standing_digest(offer) for row in approvals):
        return
    now = parts.clock.now()
    row = {
        "id": f"sta_{secrets.token_hex(8)}",
        "request": request.id,
        "state": LIVE,
        "key": key_of(offer),
        "intent": offer,
        "digest": standing_digest(offer),
        "decisions": [each["digest"] for each in approvals],
        "signers": {each["person"]: list(each["slots"]) for each in approvals},
        "uses_left": offer["uses"],
        "made_at": now,
        "ends_at": now + timedelta(days=offer["days"]),
    }
    work.execute(tables.standing_approvals.insert().values(row))
    parts.record(
        work,
        "standing.made",
        request,
        standing=row["id"],
        digest=row["digest"],
        signers=sorted(row["signers"]),
        decisions=row["decisions"],
        uses=offer["uses"],
        ends_at=timestamp(row["ends_at"]),
    )


def use_standing(parts: Parts, work: Work, request: Request) -> str | None:
    """Use a standing approval for a measured request; None if there is none that covers it.

    Returns:
        Its id. The use is counted and recorded, in the caller's transaction; why others were not used, is recorded.
    """
    key, now = standing_key(request), parts.clock.now()
    if key is None or request.terms.standing is None or request.tier == "high" or request.sealed is None:
        return None
    live = (_ROWS.key == key, _ROWS.state == LIVE, _ROWS.uses_left > 0, _ROWS.ends_at > now)
    for row in work.execute(select(tables.standing_approvals).where(*live).order_by(_ROWS.made_at.desc(), _ROWS.id)):
        why_not = [*what_is_worse(row.intent, request.sealed), *_signers_do_not_suffice(row, request)]
        if why_not:
            parts.record(work, "standing.not_used", request, standing=row.id, because=why_not)
            continue
        left = update(tables.standing_approvals).where(_ROWS.id == row.id, _ROWS.uses_left == row.uses_left)
        if work.execute(left.values(uses_left=row.uses_left - 1)).rowcount == 1:
            facts = {"standing": row.id, "digest": row.digest, "decisions": row.decisions, "left": row.uses_left - 1}
            parts.record(work, "standing.used", request, **facts)
            return str(row.id)
    return None


def _signers_do_not_suffice(row: Any, request: Request) -> list[str]:
    signers = {person: frozenset(slots) for person, slots in row.signers.items()}
    if involved := sorted(signers.keys() & frozenset(request.involved)):
        return [f"{' and '.join(involved)} signed it, and is involved here"]
    missing = request.requirement.missing(signers, named=request.named)
    return [f"who signed it does not suffice here: {', '.join(missing)} is missing"] if missing else []


def may_end(policy: Policy, identity: Identity, shown: Mapping[str, Any], now: Any) -> bool:
    """Whether somebody is a reviewer of what a standing approval is about, or signed it."""
    person = policy.people.person_of(identity.accounts)
    if person is None:
        return False
    return person in shown["signers"] or bool(policy.groups_of(person, identity, now) & set(shown["groups"]))


def end_standing(parts: Parts, identity: Identity, standing: str, why: str) -> dict[str, Any]:
    """End a standing approval, as one of the reviewers.

    Raises:
        NotFound: If there is none of this id for this person.
        Conflict: If it has ended already.
    """
    with parts.store.write() as work:
        now, policy = parts.clock.now(), active_policy(work)
        row = work.execute(select(tables.standing_approvals).where(_ROWS.id == standing)).first()
        if row is None or not may_end(policy, identity, shown_standing(row), now):
            raise NotFound(f"there is no standing approval {visible(standing, 60)!r} that you may end.")
        if row.state != LIVE:
            raise Conflict("this standing approval has ended already.")
        person = policy.people.person_of(identity.accounts)
        _end(parts, work, [standing], f"ended by {person}: {visible(why, _LONGEST_WHY)}")
        return shown_standing(work.execute(select(tables.standing_approvals).where(_ROWS.id == standing)).one())


def end_standing_of_data(parts: Parts, work: Work, denied: Request) -> None:
    """End every standing approval about data of which something was denied."""
    names = set() if denied.sealed is None else {table.name for table in denied.sealed.tables}
    rows = work.execute(select(_ROWS.id, _ROWS.intent).where(_ROWS.state == LIVE))
    _end(
        parts,
        work,
        [row.id for row in rows if names & row.intent["schemas"].keys()],
        f"request {denied.id} about the same data was denied",
    )


def end_standing_of_other_policies(parts: Parts, work: Work, policy_digest: str) -> None:
    """End every standing approval that was signed under another policy."""
    rows = work.execute(select(_ROWS.id, _ROWS.intent).where(_ROWS.state == LIVE))
    others = [row.id for row in rows if row.intent["policy"]["digest"] != policy_digest]
    _end(parts, work, others, "the policy changed")


def _end(parts: Parts, work: Work, standing: Iterable[str], because: str) -> None:
    for each in standing:
        chosen = update(tables.standing_approvals).where(_ROWS.id == each, _ROWS.state == LIVE)
        if work.execute(chosen.values(state=ENDED, ended_because=because)).rowcount == 1:
            parts.record(work, "standing.ended", standing=each, because=because)
