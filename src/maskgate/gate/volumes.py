"""How much left before: what each measured request holds, for rolling sums and for what is new since the last release.

A request counts from when it was measured until it is sure that nothing of it leaves: refused, denied, expired,
withdrawn or failed. What cannot be told counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from maskgate.gate.action_facts import Counted
from maskgate.gate.lifecycle import State
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from maskgate.gate.action_facts import Total
    from maskgate.gate.model import MeasuredTable, Sealed
    from maskgate.gate.request import Request
    from maskgate.store import Work

_NOTHING_LEFT = (State.REFUSED, State.DENIED, State.EXPIRED, State.WITHDRAWN, State.FAILED)
_VOLUMES = tables.volumes.c
_LONGEST = 300


@dataclass(frozen=True)
class LastRelease:
    """The last release of a dataset to a destination.

    Attributes:
        request: Which request it was.
        token: Which token asked for it.
        columns: The columns that it had.
        rows: Its rows.
        rules_digest: The rules that masked it.
    """

    request: str
    token: str | None
    columns: frozenset[str]
    rows: int | None
    rules_digest: str


def note_volumes(work: Work, request: Request, sealed: Sealed | None, now: datetime) -> None:
    """Note what a request holds, one row for each table; or that of an action nothing was measured."""
    found = volumes_of(request, sealed)
    if found:
        work.execute(tables.volumes.insert(), [{**row, "asked_at": now} for row in found])


def volumes_of(request: Request, sealed: Sealed | None) -> list[dict[str, Any]]:
    """Say what a request holds, one row for each table."""
    shared = {
        "request": request.id,
        "destination": "" if request.destination is None else request.destination.id,
        "requester": requester_of(request),
    }
    if sealed is None:
        nothing: dict[str, Any] = {"rows": None, "bytes": None, "columns": None, "column_names": [], "rules_digest": ""}
        return [{**shared, "dataset": (request.resource or request.subject or "")[:_LONGEST], **nothing}]
    return [{**shared, **_measured(table, sealed)} for table in sealed.tables]


def requester_of(request: Request) -> str:
    """Name who asks, for sums: the person, or the token where nobody is known."""
    return f"person:{request.requester_person}" if request.requester_person else f"token:{request.token}"


def count_totals(work: Work, request: Request, totals: Iterable[Total], now: datetime) -> dict[Total, Counted]:
    """Sum up what was asked for lately, this request included."""
    return {total: _count(work, request, total, now) for total in totals}


def last_release(work: Work, dataset: str, destination: str) -> LastRelease | None:
    """Return the last release of a dataset to a destination; None if there was none."""
    chosen = (
        select(_VOLUMES.request, tables.requests.c.token, _VOLUMES.column_names, _VOLUMES.rows, _VOLUMES.rules_digest)
        .join(tables.requests, tables.requests.c.id == _VOLUMES.request)
        .where(
            _VOLUMES.dataset == dataset,
            _VOLUMES.destination == destination,
            tables.requests.c.state == State.RELEASED.value,
        )
        .order_by(tables.requests.c.settled_at.desc(), _VOLUMES.request)
        .limit(1)
    )
    row = work.execute(chosen).first()
    if row is None:
        return None
    return LastRelease(row.request, row.token, frozenset(row.column_names), row.rows, row.rules_digest)


def _measured(table: MeasuredTable, sealed: Sealed) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    return {
        "dataset": table.name,
        "rows": table.rows,
        "bytes": sum(file.size for file in sealed.files if file.path.startswith(f"{table.name}/")),
        "columns": len(names),
        "column_names": names,
        "rules_digest": sealed.rules_digest,
    }


def _count(work: Work, request: Request, total: Total, now: datetime) -> Counted:
    """Sum up; of several datasets, the one with the most."""
    own = select(_VOLUMES.dataset).where(_VOLUMES.request == request.id)
    counts = (tables.requests.c.state.notin_([state.value for state in _NOTHING_LEFT]), _VOLUMES.request == request.id)
    where: list[ColumnElement[bool]] = [_VOLUMES.asked_at >= now - total.over, or_(*counts)]
    if "requester" in total.per:
        where.append(_VOLUMES.requester == requester_of(request))
    if "destination" in total.per:
        where.append(_VOLUMES.destination == ("" if request.destination is None else request.destination.id))
    if "dataset" in total.per:
        where.append(_VOLUMES.dataset.in_(own))
    if total.quantity == "requests":
        known: ColumnElement[Any] = func.count(_VOLUMES.request.distinct())
        unknown: ColumnElement[Any] = func.count(_VOLUMES.request).filter(_VOLUMES.request.is_(None))
    else:
        known = func.coalesce(func.sum(_VOLUMES[total.quantity]), 0)
        unknown = func.count(_VOLUMES.request).filter(_VOLUMES[total.quantity].is_(None))
    chosen = (
        select(known.label("known"), unknown.label("unknown"))
        .select_from(tables.volumes.join(tables.requests, tables.requests.c.id == _VOLUMES.request))
        .where(and_(*where))
    )
    if "dataset" in total.per:
        chosen = chosen.group_by(_VOLUMES.dataset)
    rows = work.execute(chosen).all()
    return Counted(max((int(row.known) for row in rows), default=0), is_complete=not any(row.unknown for row in rows))
