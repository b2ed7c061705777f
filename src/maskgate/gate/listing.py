"""Reading requests page by page, the newest first: a page costs the same, however many requests there are.

A cursor is where a page ended. It grants nothing: what a caller may not see is in no page.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import literal, select, text, tuple_

from maskgate.clock import moment, timestamp
from maskgate.errors import UsageError
from maskgate.gate.request import Request, list_requests
from maskgate.store.tables import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from maskgate.gate.lifecycle import State
    from maskgate.store import Work

LONGEST_PAGE = 200
_MOST_READ = 200


@dataclass(frozen=True)
class Cursor:
    """Where a page ended: the last request that was looked at."""

    created_at: datetime
    id: str

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Read what an earlier page gave as ``next``.

        Raises:
            UsageError: If it is nothing of the kind.

        Example:
            >>> str(Cursor.read("2026-11-24T08:00:00.000Z~req_1"))
            '2026-11-24T08:00:00.000Z~req_1'
        """
        time, _, identifier = text.partition("~")
        try:
            at = moment(time)
        except ValueError:
            at = None
        if at is None or not identifier.isprintable() or not identifier:
            raise UsageError("`after` must be the `next` of an earlier page.")
        return cls(at, identifier)

    def __str__(self) -> str:
        return f"{timestamp(self.created_at)}~{self.id}"


@dataclass(frozen=True)
class Page:
    """Some requests, the newest first.

    Attributes:
        requests: The requests.
        next: Where the next page begins; None if nothing is left.
    """

    requests: tuple[Request, ...]
    next: Cursor | None


def read_page(
    work: Work,
    states: Sequence[State],
    *,
    limit: int,
    after: Cursor | None = None,
    token: str | None = None,
    keep: Callable[[Request], bool] | None = None,
) -> Page:
    """Read one page.

    Args:
        work: A transaction to read in.
        states: Only requests in one of these states; all if it is empty.
        limit: How many at most. Fewer may come although more are left, where many had to be passed over.
        after: Where the page before ended.
        token: Only requests of this token.
        keep: Only requests of which this holds.
    """
    found: list[Request] = []
    read, at_once = 0, limit
    while read < _MOST_READ:
        # Most of what is read is shown; where it is not, more is read at a time.
        ids = _ids(work, states, token, after, at_once)
        at_once = min(2 * at_once, _MOST_READ)
        if not ids:
            return Page(tuple(found), None)
        for request in list_requests(work, where=requests.c.id.in_(ids)):
            after, read = Cursor(request.created_at, request.id), read + 1
            if keep is None or keep(request):
                found.append(request)
            if len(found) == limit:
                return Page(tuple(found), after if _ids(work, states, token, after, 1) else None)
    return Page(tuple(found), after)


def _ids(work: Work, states: Sequence[State], token: str | None, after: Cursor | None, most: int) -> list[str]:
    """List the next ids. Each state has a stretch of one index, in this order, and is asked for by itself."""
    columns = requests.c
    newest = (columns.created_at.desc(), columns.id.desc())
    chosen = select(columns.created_at, columns.id).limit(most)
    if after is not None:
        ended = tuple_(literal(after.created_at, columns.created_at.type), literal(after.id, columns.id.type))
        chosen = chosen.where(tuple_(columns.created_at, columns.id) < ended)
    if token is not None:
        chosen = chosen.where(columns.token == token).order_by(*newest)
        chosen = chosen.where(columns.state.in_([str(state) for state in states])) if states else chosen
        return [row.id for row in work.execute(chosen)]
    if not states:
        return [row.id for row in work.execute(chosen.order_by(*newest))]
    # As a range, and in its order: no other index has that.
    in_order = chosen.order_by(columns.state.desc(), *newest)
    with _in_the_order_of_indexes(work):
        rows = [
            row for each in map(str, states) for row in work.execute(in_order.where(columns.state.between(each, each)))
        ]
    return [row.id for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)[:most]]


@contextmanager
def _in_the_order_of_indexes(work: Work) -> Iterator[None]:
    """Have PostgreSQL read rows as an index has them, whatever it believes of how many there are.

    Where it believes that there are few in a state, it would rather read all of them by another index and sort. It
    believes so for a while after a table was nearly empty.
    """
    if work.dialect.name != "postgresql":
        yield
        return
    work.execute(text("SET LOCAL enable_sort = off"))
    yield
    work.execute(text("SET LOCAL enable_sort = on"))
