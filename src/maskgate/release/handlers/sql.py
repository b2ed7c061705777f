"""An action that is one SQL statement with named parameters, on a registered connection.

* The statement and a row that names the grant are one transaction: so it can always be told whether it took place, and
  the same grant never does it twice.
* A dry run executes it and takes it back; reviewers see how many rows it would change.
* Where it may change so many rows at most, more is a refusal, and nothing is changed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from maskgate.errors import Refused
from maskgate.gate.action_handler import IndeterminateError, Outcome
from maskgate.gate.parameters import RESOURCE, Parameter, check_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

    from maskgate.gate.action_handler import ActionOrder

# In the database that the statement changes, and in the same transaction.
RECEIPTS = Table(
    "maskgate_actions",
    MetaData(),
    Column("grant_id", String(60), primary_key=True),
    Column("request", String(40), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class SqlHandler:
    """Executes a statement.

    Attributes:
        action: The verb that it is registered for.
        url: The database, as SQLAlchemy writes it; it may hold a password.
        statement: One statement; ``:name`` is a parameter, ``:resource`` what the action is about.
        parameters: What it takes.
        at_most_rows: How many rows it may change; None for any number.
        seconds: How long it may take.
    """

    action: str
    url: str = field(repr=False)
    statement: str
    parameters: tuple[Parameter, ...] = ()
    at_most_rows: int | None = None
    seconds: int = 60

    is_elsewhere: ClassVar[bool] = False

    @property
    def time_limit(self) -> timedelta:
        """How long it may take."""
        return timedelta(seconds=self.seconds)

    @property
    def offers_dry_run(self) -> bool:
        """It can: by a transaction that is taken back."""
        return True

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "sql", "statement": self.statement, "at_most_rows": self.at_most_rows}

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:  # noqa: ARG002  the protocol's signature
        """See whether these are arguments that it takes."""
        check_arguments(self.parameters, arguments, f"`{self.action}`")

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Say how many rows it would change, by changing them and taking it back."""
        try:
            with self._engine() as engine, engine.connect() as connection:
                rows = self._execute(connection, resource, arguments)
                connection.rollback()
        except SQLAlchemyError as error:
            raise Refused(f"the dry run of `{self.action}` could not be made ({type(error).__name__}).") from None
        return (f"It would change {rows} rows.",)

    def run(self, order: ActionOrder) -> Outcome:
        """Execute it with its receipt, once."""
        try:
            with self._engine() as engine:
                RECEIPTS.create(engine, checkfirst=True)
                with engine.begin() as connection:
                    rows = self._execute(connection, order.resource, order.arguments)
                    now = datetime.now(UTC)
                    row = {"grant_id": order.grant, "request": order.request, "rows": rows, "done_at": now}
                    connection.execute(RECEIPTS.insert().values(row))
        except SQLAlchemyError as error:
            return self._found_or_refused(order.grant, error)
        return Outcome(succeeded=True, exit_code=rows)

    def probe(self, grant: str) -> Outcome | None:
        """Look for the row that was written with it."""
        try:
            with self._engine() as engine:
                RECEIPTS.create(engine, checkfirst=True)
                with engine.connect() as connection:
                    row = connection.execute(select(RECEIPTS.c.rows).where(RECEIPTS.c.grant_id == grant)).first()
        except SQLAlchemyError as error:
            raise IndeterminateError(f"The database does not say ({type(error).__name__}).") from None
        return None if row is None else Outcome(succeeded=True, exit_code=row.rows)

    def _found_or_refused(self, grant: str, error: SQLAlchemyError) -> Outcome:
        """Return what took place after all: a connection may break behind the commit."""
        found = self.probe(grant)
        if found is None:
            # The kind alone: a driver's message may hold a row.
            raise Refused(f"the database refused the statement of `{self.action}` ({type(error).__name__}).") from None
        return found

    def _execute(self, connection: Connection, resource: str, arguments: Mapping[str, Any]) -> int:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL statement_timeout = {self.seconds * 1000}"))
        values = {each.name: arguments.get(each.name) for each in self.parameters}
        rows = connection.execute(text(self.statement), {**values, RESOURCE: resource}).rowcount
        if self.at_most_rows is not None and rows > self.at_most_rows:
            raise Refused(
                f"`{self.action}` would change {rows} rows, and may change {self.at_most_rows}. Nothing was changed."
            )
        return int(rows)

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self.url, hide_parameters=True)
        try:
            yield engine
        finally:
            engine.dispose()
