"""The database's clock: the one clock on which gates that share a database agree.

A transaction happens at one moment. A writing one's is when it had the lock, so that times and commits have one order.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from maskgate.store import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine


class DatabaseClock:
    """Asks PostgreSQL what time it is: once in each transaction, and anew outside of one.

    Args:
        engine: The database's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._here = _Here()

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        here = self._here
        if here.moment is not None:
            return here.moment
        if here.work is not None:
            here.moment = postgres.now(here.work)
            return here.moment
        # Without a transaction, whose begin and end would be messages of their own.
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as work:
            return postgres.now(work)

    @contextmanager
    def within(self, work: Connection | None, moment: datetime | None = None) -> Iterator[None]:
        """Keep to one moment in this thread, for as long as a transaction lasts; ask for it when it is needed."""
        here = self._here
        before = (here.work, here.moment)
        here.work, here.moment = work, moment
        try:
            yield
        finally:
            here.work, here.moment = before


class _Here(threading.local):
    """The transaction of this thread."""

    work: Connection | None = None
    moment: datetime | None = None
