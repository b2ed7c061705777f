"""All that decisions are taken on, read in the message that takes the turn to write.

While one transaction writes, the others wait; so one that decides asks for everything at once, at the moment from which
on nothing changes any more.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, select

from maskgate.gate.gate_keys import COUNT_OF_STATEMENTS
from maskgate.gate.parts import DIGEST_IN_FORCE, policy_of
from maskgate.gate.request import no_such_request, request_of
from maskgate.ledger import SELECT_TIP, know_tip
from maskgate.store import Asked, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from maskgate.gate.parts import Parts
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.store import Work
    from maskgate.store.prepared import Rows

_DECISION = "decision_"
_ABOUT = (
    select(
        tables.requests,
        exists().where(tables.refusals.c.request == tables.requests.c.id).label("refused"),
        *(column.label(f"{_DECISION}{column.name}") for column in tables.decisions.c),
    )
    .outerjoin_from(tables.requests, tables.decisions, tables.decisions.c.request == tables.requests.c.id)
    .where(tables.requests.c.id == bindparam("of"))
    .order_by(tables.decisions.c.id)
)
_VIEWS = select(tables.views.c.person, tables.views.c.seen_at).where(tables.views.c.request == bindparam("of"))
_PRESENT = SELECT_TIP.add_columns(
    DIGEST_IN_FORCE.scalar_subquery().label("policy"), COUNT_OF_STATEMENTS.scalar_subquery().label("statements")
)


@dataclass(frozen=True)
class Case:
    """What a decision is taken on.

    Attributes:
        request: The request.
        made: Its decisions, in order.
        refused: Whether anything was refused about it.
        views: When each person first saw its page.
        policy: The policy in force.
        statements: How many statements there are about the gate's keys.
    """

    request: Request
    made: list[Mapping[str, Any]]
    refused: bool
    views: Mapping[str, datetime]
    policy: Policy
    statements: int | None


@contextmanager
def opened_case(parts: Parts, request_id: str) -> Iterator[tuple[Work, Case]]:
    """Do several things or none, alone with the database, on all that is known of a request.

    Raises:
        NotFound: If there is no such request.
    """
    with opened_cases(parts, [request_id]) as (work, (case,)):
        if case is None:
            raise no_such_request(request_id)
        yield work, case


@contextmanager
def opened_cases(parts: Parts, request_ids: Sequence[str]) -> Iterator[tuple[Work, list[Case | None]]]:
    """Do several things or none, alone with the database, on all that is known of requests; None if there is none."""
    asked = [Asked(statement, {"of": each}) for each in request_ids for statement in (_ABOUT, _VIEWS)]
    with parts.store.write_knowing(Asked(_PRESENT), *asked) as (work, (present, *found)):
        here = present[0] if present else None
        if here is not None:
            know_tip(work, here)
        yield work, [_case(work, here, *each) for each in zip(found[::2], found[1::2], strict=True)]


def _case(work: Work, here: Mapping[Any, Any] | None, about: Rows, views: Rows) -> Case | None:
    if not about:
        return None
    return Case(
        request=request_of(about[0]),
        made=[_decision(row) for row in about if row[f"{_DECISION}id"] is not None],
        refused=bool(about[0]["refused"]),
        views={row["person"]: row["seen_at"] for row in views},
        policy=policy_of(work, None if here is None else here["policy"]),
        statements=None if here is None else here["statements"],
    )


def _decision(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {column.name: row[f"{_DECISION}{column.name}"] for column in tables.decisions.c}
