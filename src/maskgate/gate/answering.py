"""An answer in the host's own screens becomes a decision, if it is one.

A worker only says *that* something was answered. The gate reads the record itself, from the instance of its own
configuration, with its own account, and believes it only if

* the question stored there is the gate's, byte for byte: heading, text, buttons, form; no default, one choice;
* it belongs to the task instance and the try that the request is bound to;
* it was given after the question was asked and before the time was over, by the gate's clock as well;
* a person gave it, and not the gate's own account.

Then it goes through the same door as every other decision. What is refused leaves the request pending, with the
reason in the task's note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.errors import Conflict, HostUnreachable, MaskgateError, NotAllowed, Refused
from maskgate.gate.deciding import decide, expire, wanted
from maskgate.gate.host import NOTE
from maskgate.gate.lifecycle import State
from maskgate.gate.markdown import visible
from maskgate.gate.model import DecisionInput, Identity
from maskgate.gate.question import APPROVE, REASON, REJECT, difference
from maskgate.gate.request import change_request, get_request

if TYPE_CHECKING:
    from datetime import datetime

    from maskgate.gate.host import HostAnswer
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request

CHANNEL = "airflow"


def refresh(parts: Parts, request: Request) -> Request:
    """Look at the host again, and take the answer there through the door.

    Raises:
        HostUnreachable: If the host does not answer; then nothing was decided.
    """
    if request.state is not State.PENDING:
        return request
    if request.is_overdue(parts.clock.now()):
        return _expire(parts, request.id)
    if request.host is None or not request.host.parks or request.host.host not in parts.hosts:
        return request
    host = parts.hosts[request.host.host]
    answer = host.read_answer(request.host)
    if answer is None or answer.responded_at is None:
        return request
    seen = _digest_of(answer)
    if seen == request.answer_seen:
        return request
    refusal = _take(parts, request, answer, host.accounts)
    after = _remember(parts, request.id, seen)
    if after.state is State.PENDING:
        _note(parts, after, f"{refusal} {after.message}" if refusal and refusal not in after.message else after.message)
    elif request.answer_seen:  # beside the task stands what is said of an earlier answer
        _note(parts, after, after.message)
    return after


def read_decision(request: Request, answer: HostAnswer, own_accounts: tuple[str, ...], now: datetime) -> DecisionInput:
    """Read a decision out of the host's record, or say why it is none.

    Args:
        request: A pending request.
        answer: The record of an answered question.
        own_accounts: The gate's accounts at the host.
        now: The present moment.

    Raises:
        Refused: If the record is not an answer to this very question.
        NotAllowed: If no person gave it.
        Conflict: If it came too early or too late.
    """
    changed = difference(request.question or {}, answer)
    if changed is not None:
        raise Refused(
            f"what was answered in Airflow is not the question that the gate asks: its {changed} differs. Nothing was "
            "decided. Sign on the review page, or start a new run of the unchanged DAG."
        )
    bound = (request.task_instance_id, request.try_number)
    if (answer.task_instance_id, answer.try_number) != bound:
        raise Refused(
            "the answer belongs to another task instance or try than the request is bound to. Nothing was decided; "
            "answer the one that waits."
        )
    _must_be_timely(request, answer, now)
    responder = answer.responded_by
    if responder is None or not (responder.id and responder.name):
        raise NotAllowed("Airflow does not say who answered, so nobody did. A person has to answer.")
    prefix = f"{request.host.host}|" if request.host is not None else ""
    accounts = tuple(dict.fromkeys((f"{prefix}{responder.id}", f"{prefix}{responder.name}")))
    if set(accounts) & set(own_accounts):
        raise NotAllowed("the answer was given by the gate's own account, which is no person. A person has to answer.")
    identity = Identity(accounts=accounts, channel=CHANNEL, authenticated_at=None)
    return DecisionInput(
        identity, _verdict(answer), _reason(answer), request.intent_digest or "", request.context_digest or ""
    )


def _must_be_timely(request: Request, answer: HostAnswer, now: datetime) -> None:
    at, asked, end = answer.responded_at, request.asked_at, request.expires_at
    if at is None or asked is None or end is None or at < asked:
        raise Conflict("the answer was given before the question was asked. Nothing was decided; answer again.")
    if at >= end or now >= end:
        raise Conflict("the answer was given after the time was over, which is a denial. Start a new run to ask again.")


def _verdict(answer: HostAnswer) -> str:
    verdicts = {(APPROVE,): "approve", (REJECT,): "deny"}
    chosen = tuple(answer.chosen_options)
    if chosen not in verdicts:
        raise Refused(f"the answer is neither {APPROVE} nor {REJECT}. Nothing was decided; answer again.")
    return verdicts[chosen]


def _reason(answer: HostAnswer) -> str:
    if answer.params_input.keys() - {REASON}:
        raise Refused("the answer fills in fields that the question does not have. Nothing was decided; answer again.")
    reason = answer.params_input.get(REASON)
    if reason is not None and not isinstance(reason, str):
        raise Refused("the reason in the answer is no text. Nothing was decided; answer again.")
    return reason or ""


def _take(parts: Parts, request: Request, answer: HostAnswer, own_accounts: tuple[str, ...]) -> str | None:
    """Take the answer through the door; return why not, if not."""
    try:
        decision = read_decision(request, answer, own_accounts, parts.clock.now())
    except MaskgateError as error:
        with parts.store.write() as work:
            now = get_request(work, request.id)
            responder = answer.responded_by
            names = [] if responder is None else [visible(responder.id, 200), visible(responder.name, 200)]
            parts.refuse(work, now, "decision.refused", error, channel=CHANNEL, accounts=names)
            if now.state is State.PENDING:
                change_request(work, now, message=f"{error} {wanted(work, now)}")
        return str(error)
    try:
        decide(parts, request.id, decision)
    except HostUnreachable:
        raise  # Nothing was decided: the same answer is looked at again.
    except MaskgateError as error:
        return str(error)
    return None


def _remember(parts: Parts, request_id: str, seen: str) -> Request:
    """Keep which answer was looked at; the task parks again, so it has to be seen parked anew before it is woken."""
    with parts.store.write() as work:
        now = get_request(work, request_id)
        return change_request(
            work, now, answer_seen=seen, parked_at=None, wake_after=parts.clock.now(), wake_attempts=0
        )


def _expire(parts: Parts, request_id: str) -> Request:
    with parts.store.write() as work:
        now = get_request(work, request_id)
        if now.state is State.PENDING and now.is_overdue(parts.clock.now()):
            return expire(parts, work, now)
        return now


def _note(parts: Parts, request: Request, text: str) -> None:
    """Tell whoever looks at the task. The note is for people; whether it arrives changes nothing."""
    if request.host is None:
        return
    try:
        parts.hosts[request.host.host].note(request.host, f"{NOTE}{text}")
    except (HostUnreachable, Refused) as error:
        with parts.store.write() as work:
            parts.record(work, "notification.failed", request, channel=request.host.host, refusal=str(error))


def _digest_of(answer: HostAnswer) -> str:
    by = answer.responded_by
    return digest(
        "answer",
        {
            "task_instance": answer.task_instance_id,
            "try": answer.try_number,
            "at": None if answer.responded_at is None else timestamp(answer.responded_at),
            "by": None if by is None else [visible(by.id, 500), visible(by.name, 500)],
            "chosen": [visible(option, 100) for option in answer.chosen_options],
        },
    )
