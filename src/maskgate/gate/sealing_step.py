"""From *sealing* to *pending*: the gate reads, hashes and measures what was staged, and judges it before it asks.

Only then is there something to sign: context, intent, question. Nothing of it changes afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.errors import Conflict, DatabaseUnreachable, MaskgateError, Refused
from maskgate.gate.asked_again import must_be_as_asked
from maskgate.gate.authors import who_asked_for
from maskgate.gate.chosen_policy import choose_policy
from maskgate.gate.deciding import BY_POLICY, approve, ask_people
from maskgate.gate.evidence import judge
from maskgate.gate.history import earlier_decisions, why_too_early
from maskgate.gate.intent import context_digest_of, intent_digest_of, make_context, make_intent
from maskgate.gate.involvement import WROTE_RULES, added_to
from maskgate.gate.lifecycle import State, after_sealing
from maskgate.gate.lineage import lineage_of
from maskgate.gate.parts import active_policy, registered_rules
from maskgate.gate.question import render_question
from maskgate.gate.request import change_request, get_request
from maskgate.gate.sealed_facts import facts_when_sealed
from maskgate.gate.sealing_lease import claim, holds, renewing
from maskgate.gate.since_release import since_last_release
from maskgate.gate.source_masking import masked_staging, measured_masking, must_be_as_masked, remove_masked
from maskgate.gate.sources import MASK
from maskgate.gate.staging_keys import find_staging
from maskgate.gate.standing import use_standing
from maskgate.store import tables

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from maskgate.gate.evidence import Evidence
    from maskgate.gate.model import Sealed
    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.gate.sealing_lease import Claim
    from maskgate.rules import Rules
    from maskgate.store import Work

_PROGRESS_STEPS = 50
_BY_STANDING = "A standing approval covers it; this use is recorded."


def seal_request(parts: Parts, request_id: str) -> None:
    """Seal what a request is about, and ask for signatures, allow it or refuse it."""
    with parts.queue.claim(request_id) as is_mine:
        held = _claim(parts, request_id) if is_mine else None
        if held is None:
            return
        with parts.store.read() as work:
            request, rules = get_request(work, request_id), registered_rules(work)
            asked = active_policy(work).quasi_identifiers
            root = work.execute(select(tables.stagings.c.root).where(tables.stagings.c.id == request.staging)).scalar()
        try:
            with renewing(parts.store, parts.clock, held) as lost:
                sealed = _seal(parts, request, held, root=str(root), rules=rules, lost=lost, asked=asked)
        except (_GoneError, Conflict, DatabaseUnreachable):
            return  # Nobody is refused for it; what is left to do, is done at the end of the lease.
        except MaskgateError as error:
            _refuse(parts, held, str(error))
        except Exception as error:  # noqa: BLE001  storage libraries raise what they like; others wait their turn
            # The kind alone: a foreign message may hold data, or an address with a credential.
            _refuse(parts, held, f"the staged files could not be read ({type(error).__name__}). Stage them again.")
        else:
            _ask(parts, held, sealed, rules)
            if request.level == MASK:
                remove_masked(parts, request)


def _claim(parts: Parts, request_id: str) -> Claim | None:
    with parts.store.write() as work:
        if get_request(work, request_id).state is not State.SEALING:
            return None
        return claim(work, request_id, worker=parts.worker, now=parts.clock.now())


class _GoneError(Exception):
    """The request stopped being sealed here: withdrawn, under another policy, or taken over by another gate."""


def _seal(
    parts: Parts,
    request: Request,
    held: Claim,
    *,
    root: str,
    rules: dict[str, Rules],
    lost: threading.Event,
    asked: tuple[tuple[str, ...], ...],
) -> Sealed:
    if request.level == MASK:
        staging = masked_staging(parts, request, held.fence, _progress(parts, held, lost))
    elif root in parts.registry.staging:
        with parts.store.read() as work:
            staging = find_staging(work, parts.registry.staging[root], request.staging or "")
    else:
        raise Refused(f"the staging root {root!r} is no longer in the gate's configuration. Stage the data again.")
    sealed = parts.sealer(
        staging,
        request.staging or "",
        parts.sealed_copy(request) / str(held.fence),
        rules=rules,
        limits=parts.registry.limits,
        progress=_progress(parts, held, lost),
        quasi_identifiers=asked,
    )
    must_be_as_asked(request, sealed)
    registered = None if request.destination is None else parts.registry.destinations.get(request.destination.id)
    if registered is not None:
        parts.releaser.check_fit(registered, sealed.tables)
    with parts.store.read() as work:
        must_be_as_masked(work, replace(request, sealed=sealed))
    return sealed


def _progress(parts: Parts, held: Claim, lost: threading.Event) -> Callable[[int, int], None]:
    seen = -1

    def tell(done: int, total: int) -> None:
        nonlocal seen
        if lost.is_set():
            raise _GoneError
        step = _PROGRESS_STEPS if total <= 0 else done * _PROGRESS_STEPS // total
        if step == seen:
            return
        seen = step
        chosen = update(tables.requests).where(
            tables.requests.c.id == held.request, tables.requests.c.state == "sealing"
        )
        with parts.store.write() as work:
            if work.execute(chosen.values(done=done, total=total)).rowcount != 1:
                raise _GoneError

    return tell


def _refuse(parts: Parts, held: Claim, message: str) -> None:
    with parts.store.write() as work:
        now = _still_sealed(work, held)
        if now is not None:
            refused = parts.advance(work, now, State.REFUSED, f"{message} Nobody was asked.")
            parts.refuse(work, refused, "request.refused", Refused(message))


def _still_sealed(work: Work, held: Claim) -> Request | None:
    """Return the request, if it is still to be sealed, and by this attempt."""
    request = get_request(work, held.request)
    return request if request.state is State.SEALING and holds(work, held) else None


def _ask(parts: Parts, held: Claim, sealed: Sealed, rules: dict[str, Rules]) -> None:
    registered = rules[sealed.rules_digest]
    with parts.store.write() as work:
        now = _still_sealed(work, held)
        if now is None:
            return
        policy = active_policy(work)
        now = _with_authors_of_rules(work, policy, now, sealed)
        since = since_last_release(work, now, sealed, rules)
        facts = facts_when_sealed(work, policy, now, sealed, since=since, now=parts.clock.now())
        chosen = choose_policy(policy, now, facts)
        masking = measured_masking(work, now)
        evidence = judge(sealed, registered, policy.floor, chosen.thresholds, since=since, masking=masking)
        too_early = why_too_early(work, chosen.request, sealed.content_digest, parts.clock.now())
        refusals = (*chosen.refusals, *evidence.refusals, *(() if too_early is None else (too_early,)))
        evidence = replace(evidence, refusals=refusals)
        measured = replace(chosen.request, sealed=sealed, evidence=evidence.as_json())
        standing = None if evidence.refusals or measured.is_allowed else use_standing(parts, work, measured)
        measured = replace(measured, standing=standing)
        ready = _prepare(parts, work, now, sealed, rules=registered, evidence=evidence, chosen=measured)
        state = after_sealing(evidence.refusals, is_allowed=ready.is_allowed or standing is not None)
        if state is State.REFUSED:
            _refuse_measured(parts, work, ready, evidence)
        elif state is State.APPROVED:
            approve(parts, work, ready, _BY_STANDING if standing else BY_POLICY)
        else:
            ask_people(parts, work, ready)


def _with_authors_of_rules(work: Work, policy: Policy, request: Request, sealed: Sealed) -> Request:
    """Add whoever asked for the rules; which ones those are is known only now."""
    authors = who_asked_for(work, sealed.rules_digest) & policy.people.accounts.keys()
    if not authors:
        return request
    involvement = added_to(request.involvement, sorted(authors), WROTE_RULES)
    return replace(request, involved=tuple(sorted({*request.involved, *authors})), involvement=involvement)


def _prepare(
    parts: Parts, work: Work, request: Request, sealed: Sealed, *, rules: Rules, evidence: Evidence, chosen: Request
) -> Request:
    """Fix what will be signed, and record what was sealed."""
    now = parts.clock.now()
    facts: dict[str, Any] = {
        "policy_name": chosen.policy_name,
        "policy_digest": chosen.policy_digest,
        "rule": chosen.rule,
        "involved": chosen.involved,
        "involvement": chosen.involvement,
        "standing": chosen.standing,
        "earlier": earlier_decisions(work, request, sealed.content_digest),
        "sealed": sealed,
        "content_digest": sealed.content_digest,
        "evidence": evidence.as_json(),
        "lineage": lineage_of(sealed, rules),
        "asked_at": now,
        "expires_at": now + chosen.expires,
    }
    facts |= fix_intent(parts, replace(request, **facts), rules)
    ready = change_request(work, request, **facts)
    parts.record(
        work,
        "request.sealed",
        ready,
        content_digest=sealed.content_digest,
        rules_digest=sealed.rules_digest,
        files=len(sealed.files),
        bytes=sealed.size,
        rows={table.name: table.rows for table in sealed.tables},
        context_digest=ready.context_digest,
        intent_digest=ready.intent_digest,
        lineage=dict(ready.lineage),
        involved=list(ready.involved),
        policy={"name": ready.policy_name, "digest": ready.policy_digest, "because": list(ready.policy_because)},
    )
    return ready


def fix_intent(parts: Parts, request: Request, rules: Rules | None) -> dict[str, Any]:
    """Make context, intent and question of a request that is ready to be signed."""
    context = make_context(request, rules, parts.registry.review_url(request.id))
    context_digest = context_digest_of(context)
    intent = make_intent(request, context_digest, parts.keys.name)
    return {
        "context_digest": context_digest,
        "intent": intent,
        "intent_digest": intent_digest_of(intent),
        "question": render_question(context, context_digest),
    }


def _refuse_measured(parts: Parts, work: Work, request: Request, evidence: Evidence) -> None:
    message = " ".join(evidence.refusals)
    refused = parts.advance(work, request, State.REFUSED, f"{message} Nobody was asked.")
    for refusal in evidence.refusals:
        parts.refuse(work, refused, "request.refused", Refused(refusal))
