"""The only door to a decision.

Decision, ledger entry, and the grant that it may lead to are one transaction. A refusal is an entry as well.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.errors import DatabaseUnreachable, HostUnreachable, MaskgateError, NotFound
from maskgate.gate.authority import LONGEST_REASON, authorize
from maskgate.gate.beside import Beside, decisions_of
from maskgate.gate.break_glass import must_be_permitted, note_break_glass
from maskgate.gate.case import opened_case, opened_cases
from maskgate.gate.circumstances import circumstances_of
from maskgate.gate.counting import may_fill_instead, still_missing
from maskgate.gate.delegation import delegations_to
from maskgate.gate.governing import GOVERNED, activate
from maskgate.gate.granting import issue_grant
from maskgate.gate.history import denied_before
from maskgate.gate.holding import held_until, held_words, hold
from maskgate.gate.later_clears import note_clears, run_to_look_at
from maskgate.gate.lifecycle import State, after_decision
from maskgate.gate.markdown import visible
from maskgate.gate.passkey_signing import prepare, signature_over
from maskgate.gate.request import change_request, get_request, no_such_request
from maskgate.gate.standing import end_standing_of_data, keep_standing, must_be_offered
from maskgate.store import defer, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from maskgate.gate.authority import Authority
    from maskgate.gate.case import Case
    from maskgate.gate.host import HostRun
    from maskgate.gate.model import DecisionInput
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work


BY_POLICY = "The policy allows it without a signature; it is recorded."
_INSERT = tables.decisions.insert().inline()


@dataclass(frozen=True)
class Decided:
    """What came of a decision.

    Attributes:
        request: The request as it stands now.
        beside: What belongs to it; None where more of it has to be read than was needed to decide.
    """

    request: Request
    beside: Beside | None


def decide(parts: Parts, request_id: str, decision: DecisionInput) -> Decided:
    """Take one person's decision about a request.

    Raises:
        NotFound: If there is no such request.
        NotAllowed: If this person may not decide it, so or at all.
        Conflict: If it cannot be decided any more, or is not what was seen.
        Refused: If the reason is too short.
        HostUnreachable: If the host of the run does not say who has cleared it since; then nothing was decided.
    """
    with _refusals_kept(parts, request_id, decision):
        outcome = None
        if _goes_with_others(decision):
            outcome = parts.deciders.take(request_id, (request_id, decision), partial(_decide_together, parts))
        if isinstance(outcome, MaskgateError):
            raise outcome
        return outcome if isinstance(outcome, Decided) else _decide_alone(parts, request_id, decision, outcome)


def _decide_alone(parts: Parts, request_id: str, decision: DecisionInput, run: HostRun | None) -> Decided:
    if run is None:
        with opened_case(parts, request_id) as (work, case):
            run = run_to_look_at(case.request, decision)
            if run is None:
                return _decide(parts, work, case, decision)
    # Outside of a transaction: a host takes its time.
    note_clears(parts, request_id, run)
    with opened_case(parts, request_id) as (work, case):
        return _decide(parts, work, case, decision)


def _goes_with_others(decision: DecisionInput) -> bool:
    """Whether a decision is taken on nothing but its request and the policy, so that others change nothing of it."""
    beside = (decision.passkey, decision.acting_for, decision.standing, decision.break_glass)
    return all(each is None for each in beside)


def _decide_together(
    parts: Parts, asked: Sequence[tuple[str, DecisionInput]]
) -> Sequence[Decided | MaskgateError | HostRun | None]:
    """Take decisions about different requests in one transaction, each as if by itself.

    Returns:
        What came of each: a refusal is one's own, and the others go on. Where a host has to be asked first, its run.
        None where one has to be taken by itself; so have all when the transaction failed, and nothing was done.
    """
    try:
        with opened_cases(parts, [request_id for request_id, _ in asked]) as (work, cases):
            return [
                no_such_request(request_id) if case is None else _in_company(parts, work, case, decision)
                for (request_id, decision), case in zip(asked, cases, strict=True)
            ]
    except DatabaseUnreachable as error:
        return [error] * len(asked)
    except Exception:  # noqa: BLE001  whose it is, and what it means, each finds out by themselves
        return [None] * len(asked)


def _in_company(
    parts: Parts, work: Work, case: Case, decision: DecisionInput
) -> Decided | MaskgateError | HostRun | None:
    run = run_to_look_at(case.request, decision)
    if run is not None or case.request.action in GOVERNED:
        return run
    try:
        authority = _authority(parts, work, case, decision)
    except MaskgateError as refusal:
        return refusal  # before anything was written
    return _decide(parts, work, case, decision, authority)


@contextmanager
def _refusals_kept(parts: Parts, request_id: str, decision: DecisionInput) -> Iterator[None]:
    """Record a refusal of what is done inside, in a transaction of its own."""
    try:
        yield
    except (NotFound, DatabaseUnreachable, HostUnreachable):
        raise
    except MaskgateError as refusal:
        with parts.store.write() as work:
            _note_refusal(parts, work, get_request(work, request_id), decision, refusal)
        raise


def _note_refusal(parts: Parts, work: Work, request: Request, decision: DecisionInput, refusal: MaskgateError) -> None:
    identity = decision.identity
    accounts = [visible(account, 500) for account in identity.accounts]
    facts = {"channel": identity.channel, "accounts": accounts, "verdict": visible(decision.verdict, 20)}
    parts.refuse(work, request, "decision.refused", refusal, **facts)
    if request.state is State.PENDING:
        if request.is_overdue(parts.clock.now()):
            expire(parts, work, request)
        else:
            change_request(work, request, message=f"{refusal} {wanted(work, request)}")


def prepare_signature(parts: Parts, request_id: str, decision: DecisionInput) -> tuple[str, dict[str, Any]]:
    """Return what somebody's browser needs to sign a decision with a passkey. It decides nothing.

    Raises:
        Refused: If they could not decide so, or have no passkey; see :func:`decide`.
    """
    with _refusals_kept(parts, request_id, decision), opened_case(parts, request_id) as (work, case):
        authority = _authority(parts, work, case, decision)
        return prepare(parts, work, signed_fields(case.request, decision, authority, parts.clock.now()))


def _authority(parts: Parts, work: Work, case: Case, decision: DecisionInput) -> Authority:
    now, request, policy = parts.clock.now(), case.request, case.policy
    person = policy.people.person_of(decision.identity.accounts)
    stands_in = () if decision.acting_for is None or person is None else delegations_to(work, person, now)
    authority = authorize(request, decision, policy, who_decided(case.made), now, delegations=stands_in)
    must_be_offered(request, decision)
    must_be_permitted(parts, work, request, decision, policy)
    return authority


def _decide(
    parts: Parts, work: Work, case: Case, decision: DecisionInput, authority: Authority | None = None
) -> Decided:
    authority = authority or _authority(parts, work, case, decision)
    made = [*case.made, _record(parts, work, case, decision, authority)]
    note_break_glass(parts, work, case.request, decision, authority)
    after = _settled(parts, work, replace(case, made=made), decision, authority)
    has_more = case.refused or after.standing or after.terms.break_glass or after.action in GOVERNED
    return Decided(after, None if has_more else Beside(decisions=made))


def _settled(parts: Parts, work: Work, case: Case, decision: DecisionInput, authority: Authority) -> Request:
    """Bring a request to where its decisions lead."""
    request, made = case.request, case.made
    state = after_decision(decision.verdict, still_missing(request, made))
    if state is State.PENDING:
        return change_request(work, request, at_the_end=True, message=_wanted_after(request, made))
    if state is State.DENIED:
        message = f"Denied by {authority.person}. Nothing was released."
        denied = parts.advance(work, request, state, message, at_the_end=True)
        parts.record(work, "request.denied", denied, person=authority.person)
        end_standing_of_data(parts, work, denied)
        return denied
    until = held_until(request, made, parts.clock.now())
    if until is not None:
        return hold(parts, work, request, until)
    return grant_signed(parts, work, request, made, case.statements)


def grant_signed(
    parts: Parts, work: Work, request: Request, made: Sequence[Mapping[str, Any]], statements: int | None = None
) -> Request:
    """Turn a request that enough people have signed, and that was read in this transaction, into a grant."""
    keep_standing(parts, work, request, made)
    goes_on = "The same call goes through now, once." if request.is_action else "The next step of the run releases it."
    return approve(parts, work, request, f"Signed. {goes_on}", made=made, statements=statements)


def approve(
    parts: Parts,
    work: Work,
    request: Request,
    message: str,
    *,
    made: Iterable[Mapping[str, Any]] | None = None,
    statements: int | None = None,
) -> Request:
    """Turn a request whose requirement is met into a grant; or carry it out, if it is about the gate itself.

    Args:
        parts: The gate's parts.
        work: The transaction that found it met.
        request: The request.
        message: What to tell people.
        made: Its decisions in order, where they were read in this transaction; then the request was, too.
        statements: How many there are about the gate's keys, where that was.
    """
    approved = parts.advance(work, request, State.APPROVED, message, at_the_end=made is not None)
    issue_grant(parts, work, approved, made, statements)
    return activate(parts, work, approved) if request.action in GOVERNED else approved


def ask_people(parts: Parts, work: Work, ready: Request) -> Request:
    """Ask for the signatures that a request needs; if the policy allows it without any, grant it."""
    if ready.is_allowed:
        return approve(parts, work, ready, BY_POLICY)
    pending = parts.advance(work, ready, State.PENDING, wanted(work, ready))
    if denied_before(pending):
        parts.tell(work, pending, "asked_again")
    return pending


def expire(parts: Parts, work: Work, request: Request) -> Request:
    """Let the time for a decision be over, which is a denial."""
    expired = parts.advance(
        work, request, State.EXPIRED, "Nobody signed in time, which is a denial. Nothing was released; ask again."
    )
    parts.record(work, "request.expired", expired, was=str(request.state))
    return expired


def wanted(work: Work, request: Request) -> str:
    """Say whose signatures a pending request waits for, or until when it is held."""
    return _wanted_after(request, decisions_of(work, request.id))


def _wanted_after(request: Request, made: Iterable[Mapping[str, Any]]) -> str:
    if request.held_until is not None:
        return held_words(request.held_until)
    made = list(made)
    missing = still_missing(request, made)
    names = ", ".join(f"{count} of {name}" for name, count in missing.items())
    if instead := may_fill_instead(request, made):
        names += f" (or of {' or '.join(instead)}, since who signed can fill another slot)"
    return f"Waiting for a signature: {names}, through {' or '.join(_open_channels(request))}."


def _open_channels(request: Request) -> Sequence[str]:
    """Leave out the host's own screens where they do not show this request, as Prefect's and those of no run."""
    is_shown = request.host is not None and request.host.parks
    return [each for each in request.channels if is_shown or each != "airflow"] or request.channels


def decided_by(work: Work, request: Request) -> list[str]:
    """List who has decided a request, and for whom."""
    return who_decided(decisions_of(work, request.id))


def who_decided(made: Iterable[Mapping[str, Any]]) -> list[str]:
    """List who decided, and for whom somebody stood in."""
    return [name for row in made for name in (row["person"], row["acting_for"]) if name is not None]


def _record(parts: Parts, work: Work, case: Case, decision: DecisionInput, authority: Authority) -> dict[str, Any]:
    """Keep a decision, and its entry; return the row."""
    now, request = parts.clock.now(), case.request
    signed = signed_fields(request, decision, authority, now)
    circumstances = circumstances_of(decision.identity, case.views.get(authority.person), now)
    circumstances |= signature_over(parts, work, signed, decision.passkey, required=request.wants_passkey)
    signed |= circumstances
    hashed = digest("decision", signed)
    row = {
        "request": request.id,
        "person": authority.person,
        "account": authority.account,
        "channel": decision.identity.channel,
        "verdict": decision.verdict,
        "reason": signed["reason"],
        "slots": sorted(authority.groups),
        "digest": hashed,
        "decided_at": now,
        "acting_for": authority.acting_for,
        "standing": decision.standing,
        "batch": decision.batch,
        "break_glass": decision.break_glass is not None,
        "circumstances": circumstances,
    }
    facts = {name: value for name, value in signed.items() if name not in {"request", "verdict"}}
    parts.record(work, f"decision.{decision.verdict}", request, decision=hashed, **facts)
    # The row's own number is nobody's business, so it is not asked for.
    defer(work, _INSERT, row)
    return row


def signed_fields(request: Request, decision: DecisionInput, authority: Authority, now: datetime) -> dict[str, Any]:
    """Collect what a decision says, which its digest covers."""
    return {
        "request": request.id,
        "intent_digest": decision.intent_digest,
        "context_digest": decision.context_digest,
        "verdict": decision.verdict,
        "reason": visible(decision.reason, LONGEST_REASON),
        "person": authority.person,
        "account": authority.account,
        "channel": decision.identity.channel,
        "groups": sorted(authority.groups),
        "authenticated_at": _time(decision),
        "decided_at": timestamp(now),
        **_beside(decision, authority),
    }


def _beside(decision: DecisionInput, authority: Authority) -> dict[str, Any]:
    """Collect what is signed beside the usual, where there is such a thing."""
    glass = decision.break_glass
    given = {
        "acting_for": authority.acting_for,
        "standing": decision.standing,
        "batch": decision.batch,
        "break_glass": None if glass is None else {"ticket": visible(glass.ticket, 200)},
    }
    return {name: value for name, value in given.items() if value is not None}


def _time(decision: DecisionInput) -> str | None:
    proved = decision.identity.authenticated_at
    return None if proved is None else timestamp(proved)
