"""Asking for an action that releases no staged files. There is nothing to measure: people are asked at once.

* The same call, by the same token, is one request for as long as it is open. Another argument is another request, and
  so is a call that names somebody more who may not sign.
* Where a handler is registered for the verb, it carries the action out, and nobody else. Elsewhere the caller does,
  which stops mistakes and replays, and not a caller who has the credentials and means harm: the level is *verify*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.canonical import digest
from maskgate.errors import MaskgateError, Refused, UsageError
from maskgate.gate import action_handler
from maskgate.gate.calls import LONGEST_RESOURCE, VERIFY, call_digest, checked_arguments, salt_of
from maskgate.gate.chosen_policy import choose_policy
from maskgate.gate.deciding import ask_people
from maskgate.gate.dry_runs import MOST_LINES, DryRun
from maskgate.gate.filing import (
    LONGEST_WHY,
    asked_action,
    asking_token,
    file_or_refuse,
    find_asker,
    involved_in,
    new_request,
    record_created,
)
from maskgate.gate.history import earlier_decisions, why_too_early
from maskgate.gate.lifecycle import SETTLED
from maskgate.gate.markdown import visible
from maskgate.gate.parts import active_policy
from maskgate.gate.quotas import must_have_room_to_ask
from maskgate.gate.redaction import redacted
from maskgate.gate.request import change_request, get_request, insert_request
from maskgate.gate.sealed_facts import facts_when_sealed
from maskgate.gate.sealing_step import fix_intent
from maskgate.store import tables
from maskgate.store.shared_secret import shared_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.calls import ActionInput
    from maskgate.gate.filing import Asker
    from maskgate.gate.model import Caller
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_OF_STAGED_FILES = frozenset({"export", "publish"})
_SALT = "call-salt-secret"


@dataclass(frozen=True)
class _Asked:
    """An action input that was looked up."""

    action: str
    resource: str
    why: str
    arguments: Mapping[str, Any]
    handler: ActionHandler | None
    by: Asker
    salt: str
    dry_run: tuple[str, ...] | None = None

    @property
    def digest(self) -> str:
        """What is signed of the call."""
        return call_digest(self.action, self.resource, self.arguments, self.salt)


def ask_for_action(parts: Parts, caller: Caller, asked_for: ActionInput) -> Request:
    """Make a request for an action, or return the open one for the same call.

    Raises:
        UsageError: If the verb, the resource or an argument is none that can be asked for.
        NotAllowed: If this caller may not ask, or it cannot be told who asks.
        Refused: If no policy permits the action, nobody could ever sign it, or it could not be carried out.
        HostUnreachable: If the host does not answer.
    """
    asked = _looked_up(parts, asking_token(caller), asked_for)
    with parts.store.read() as work:
        known = _open_request(work, asked)
    if known is not None:
        return known
    asked = replace(asked, dry_run=_dry_run(parts, asked))
    with parts.store.write() as work:
        known = _open_request(work, asked)
        if known is not None:
            return known
        filed = file_or_refuse(
            parts,
            work,
            lambda: _insert(parts, work, asked),
            asked.by,
            action=asked.action,
            resource=asked.resource,
            content_digest=asked.digest,
        )
    if isinstance(filed, MaskgateError):
        raise filed
    return filed


def handler_digest(handler: ActionHandler) -> str:
    """Hash what a handler does, so that another definition does not carry out what was signed for this one."""
    return digest("handler", handler.as_json())


def _looked_up(parts: Parts, token: str, asked_for: ActionInput) -> _Asked:
    action, resource = asked_action(asked_for.action, "rotate-key"), asked_for.resource
    if action in _OF_STAGED_FILES:
        raise UsageError(f"`{action}` releases staged files. Name `staging` and `destination`, and no resource.")
    if not resource.strip() or visible(resource, LONGEST_RESOURCE) != resource:
        raise UsageError(
            f"a resource is a name on one line, of at most {LONGEST_RESOURCE} characters that show as themselves, "
            "such as prod/customers-db."
        )
    arguments = checked_arguments(asked_for.arguments)
    handler = parts.handlers.get(action)
    if handler is not None:
        _check(handler, action, resource, arguments)
    return _Asked(
        action=action,
        resource=resource,
        why=visible(asked_for.why, LONGEST_WHY),
        arguments=arguments,
        handler=handler,
        by=find_asker(parts, token, asked_for.host, asked_for.requesters),
        salt=salt_of(shared_secret(parts.store, _SALT), action, resource, arguments),
    )


def _check(handler: ActionHandler, action: str, resource: str, arguments: Mapping[str, Any]) -> None:
    try:
        handler.check(resource, arguments)
    except UsageError as error:
        raise UsageError(f"{str(error).removesuffix('.')}. The gate's own handler carries `{action}` out.") from None


def _dry_run(parts: Parts, asked: _Asked) -> tuple[str, ...] | None:
    """Say what the handler would do, before anybody is asked; None if it does not say such a thing."""
    handler = asked.handler
    if handler is None or not handler.offers_dry_run:
        return None
    if not handler.is_elsewhere:
        return handler.dry_run(asked.resource, asked.arguments)
    now = parts.clock.now()
    wanted = DryRun.new(asked.action, asked.resource, asked.arguments, handler_digest(handler), now)
    with parts.store.read() as work:
        signer = parts.keys.signer(work)
    return parts.dry_runs.ask(wanted, signer)


def _open_request(work: Work, asked: _Asked) -> Request | None:
    rows = tables.requests.c
    same = (rows.content_digest == asked.digest, rows.token == asked.by.token, rows.staging.is_(None))
    chosen = select(rows.id).where(*same, rows.state.not_in(SETTLED)).order_by(rows.created_at.desc())
    for request_id in work.execute(chosen).scalars():
        request = get_request(work, request_id)
        identity = None if request.host is None else request.host.identity
        is_its_run = identity == (None if asked.by.host is None else asked.by.host.identity)
        if is_its_run and _names_nobody_new(work, asked, request):
            return request
    return None


def _names_nobody_new(work: Work, asked: _Asked, request: Request) -> bool:
    """Whether whom the caller names is involved already; a request that may be signed by them is another one."""
    if not asked.by.requesters:
        return True
    named, unknown = active_policy(work).people.resolve(asked.by.requesters)
    return not unknown and named <= {*request.named, *request.involved}


def _insert(parts: Parts, work: Work, asked: _Asked) -> Request:
    must_have_room_to_ask(work, asked.by.token, parts.registry.limits)
    draft = _draft(parts, work, asked)
    insert_request(work, draft)
    policy, now = active_policy(work), parts.clock.now()
    facts = facts_when_sealed(work, policy, draft, None, since={}, now=now)
    chosen = choose_policy(policy, draft, facts)
    too_early = why_too_early(work, chosen.request, asked.digest, now)
    if refusals := [*chosen.refusals, *([] if too_early is None else [too_early])]:
        raise Refused(" ".join(refusals))
    changes: dict[str, Any] = {
        "policy_name": chosen.request.policy_name,
        "policy_digest": chosen.request.policy_digest,
        "rule": chosen.request.rule,
        "earlier": earlier_decisions(work, draft, asked.digest),
        "asked_at": now,
        "expires_at": now + chosen.request.expires,
    }
    changes |= fix_intent(parts, replace(draft, **changes), None)
    ready = change_request(work, draft, **changes)
    # Arguments are in the ledger as their digest alone.
    record_created(parts, work, ready, handler=dict(ready.arguments or {}).get("handler_digest"))
    return ask_people(parts, work, ready)


def _draft(parts: Parts, work: Work, asked: _Asked) -> Request:
    policy = active_policy(work)
    involvement = involved_in(parts, work, asked.by, policy)
    handler = asked.handler
    shown: dict[str, Any] = {"shown": redacted(asked.arguments), "salt": asked.salt}
    if handler is not None:
        shown |= {"handler": handler.as_json(), "handler_digest": handler_digest(handler)}
    if asked.dry_run is not None:
        shown["dry_run"] = [visible(line, 1000) for line in asked.dry_run[:MOST_LINES]]
    return new_request(
        parts,
        policy,
        involvement,
        asked.by,
        message="",
        action=asked.action,
        resource=asked.resource,
        arguments=shown,
        level=VERIFY if handler is None else action_handler.LEVEL,
        content_digest=asked.digest,
        why=asked.why,
        policy_name="",
        rule={"people_at_least": 1 if involvement.is_known else 2},
    )
