"""What is shown of requests beside their own rows: decisions, refusals and receipts, read for many of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from maskgate.clock import timestamp
from maskgate.gate.break_glass_rows import break_glass_of
from maskgate.gate.standing_rows import find_standing
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import BindParameter, Select

    from maskgate.gate.request import Request
    from maskgate.store import Work


@dataclass(frozen=True)
class Beside:
    """What belongs to one request.

    Attributes:
        decisions: Rows of its decisions, in order.
        refusals: What was refused about it, in order.
        receipt: The receipt of its release; None if there was none.
        standing: The standing approval that it was signed by; None if there was none.
        break_glass: What has to be looked at again; None if nobody broke glass.
    """

    decisions: Sequence[Mapping[str, Any]] = ()
    refusals: Sequence[Mapping[str, str]] = ()
    receipt: Mapping[str, Any] | None = None
    standing: Mapping[str, Any] | None = None
    break_glass: Mapping[str, Any] | None = None


def read_beside(work: Work, requests: Iterable[Request]) -> dict[str, Beside]:
    """Read what belongs to requests, by their ids, with as many statements for a page of them as for one."""
    asked = list(requests)
    ids = [request.id for request in asked]
    decisions, refusals, receipts = (_by_request(work, each, ids) for each in (_DECISIONS, _REFUSALS, _RECEIPTS))
    return {
        request.id: Beside(
            decisions=decisions[request.id],
            refusals=[{"at": timestamp(row["at"]), "message": row["message"]} for row in refusals[request.id]],
            receipt=next((row["receipt"] for row in receipts[request.id]), None),
            standing=None if request.standing is None else find_standing(work, request.standing),
            break_glass=None if request.terms.break_glass is None else break_glass_of(work, request.id),
        )
        for request in asked
    }


def decisions_of(work: Work, request_id: str) -> list[Any]:
    """Read the decisions about a request, in order."""
    return _by_request(work, _DECISIONS, [request_id])[request_id]


def decisions_about(work: Work, request_ids: Sequence[str]) -> dict[str, list[Any]]:
    """Read the decisions about several requests, in order."""
    return _by_request(work, _DECISIONS, request_ids)


def _by_request(work: Work, chosen: Select[Any], ids: Sequence[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {each: [] for each in ids}
    if ids:
        for row in work.execute(chosen, {"of": ids}).mappings():
            found[row["request"]].append(row)
    return found


# Made once; see request.py.
_OF: BindParameter[Any] = bindparam("of", expanding=True)
_DECISIONS = select(tables.decisions).where(tables.decisions.c.request.in_(_OF)).order_by(tables.decisions.c.id)
_REFUSALS = select(tables.refusals).where(tables.refusals.c.request.in_(_OF)).order_by(tables.refusals.c.id)
_RECEIPTS = select(tables.grants.c.request, tables.grants.c.receipt).where(tables.grants.c.request.in_(_OF))
