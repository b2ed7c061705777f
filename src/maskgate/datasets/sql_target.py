"""Tables of databases as targets: written under another name, and renamed when all of it is there."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.moving import supplied
from maskgate.datasets.pipeline import in_order
from maskgate.datasets.postgresql_table import PostgresqlTable
from maskgate.datasets.progress import Progress
from maskgate.datasets.run import MEMORY, MaskedTable
from maskgate.datasets.sql_connection import database_url, is_postgresql, shown
from maskgate.datasets.sqlalchemy_table import SqlAlchemyTable
from maskgate.errors import DatasetError, PlanError, UsageError
from maskgate.masking import MaskingRun
from maskgate.methods.layout import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.datasets.feeding import Stretch
    from maskgate.datasets.moving import Supply
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingPlan
    from maskgate.masking.run import MaskedBatch

_NAME = re.compile(r"(?:(?P<schema>[A-Za-z_]\w{0,62})\.)?(?P<table>[A-Za-z_]\w{0,62})")


@dataclass(frozen=True)
class SqlTable:
    """A new table for masked rows.

    Attributes:
        database: ``env:NAME`` or ``file:PATH``, which hold its URL.
        table: Its name, with a schema before it if need be: ``marts.customers``.
    """

    database: str = field(repr=False)
    table: str

    @property
    def names(self) -> tuple[str | None, str]:
        """The schema, if one is named, and the table.

        Raises:
            UsageError: If it is no name.
        """
        found = _NAME.fullmatch(self.table)
        if found is None:
            raise UsageError("a table is named by letters, digits and _, with a schema and a dot before it if need be.")
        return found["schema"], found["table"]


def mask_into_table(
    target: SqlTable,
    source: Source,
    plan: MaskingPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    workers: int = 2,
    memory: int = MEMORY,
) -> MaskedTable:
    """Mask one table into a new one of a database.

    Raises:
        DatasetError: If the table is there already, or the database refuses.
        PlanError: If it has no such types, or would cut the name of a column short.
        MaskingError: If a method cannot take a value, or a check of the rules does not hold.
    """
    url = database_url(target.database)
    place = shown(url)
    tables: type[PostgresqlTable | SqlAlchemyTable] = PostgresqlTable if is_postgresql(url) else SqlAlchemyTable
    schema = _written_schema(plan, place, partial(tables.written_type, url), tables.longest_name)
    with tables.opened(url, place, *target.names) as table:
        with (
            supplied(source, plan, source.batch_rows, memory=memory, workers=workers, progress=progress) as supply,
            MaskingRun(supply.plan) as run,
        ):
            rows = _Rows(run, supply, schema, progress, workers, memory)
            reader = pa.RecordBatchReader.from_batches(schema, rows.batches())
            rows.raising(lambda: table.take(reader))
            report = run.finish()
        source.verify()
        table.publish()
    described = tuple((item.name, str(item.type)) for item in schema)
    return MaskedTable(plan, described, (), report, source.uri)


@dataclass
class _Rows:
    """Masked rows, as the driver takes them."""

    run: MaskingRun
    supply: Supply
    schema: pa.Schema
    progress: Callable[[Progress], None] | None
    workers: int
    memory: int
    failure: BaseException | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Mask and give batch after batch; what goes wrong is kept, since the driver would make a text of it."""
        try:
            yield from self._batches()
        except BaseException as error:
            self.failure = error
            raise

    def raising(self, act: Callable[[], Any]) -> None:
        """Let the driver take the rows, and raise what went wrong in making them."""
        try:
            act()
        except DatasetError:
            if self.failure is None:
                raise
        if self.failure is not None:
            raise self.failure

    def _batches(self) -> Iterator[pa.RecordBatch]:
        plan, source = self.run.plan, self.supply.source
        feed = self.supply.stretches(source.batch_rows)
        size, began = 0, time.monotonic()
        for masked in in_order(self._mask, feed, self.workers, self.memory):
            self.run.add(masked)
            written = zip(masked.batch.columns, self.schema, strict=True)
            columns = [_as_written(*each) for each in written]
            batch = pa.RecordBatch.from_arrays(columns, schema=self.schema)
            size += batch.nbytes
            yield batch
            if self.progress is not None:
                rows, about, seconds = self.run.report.rows, source.about_rows, time.monotonic() - began
                self.progress(Progress(plan.table, rows, source.rows, size, seconds=seconds, about_rows=about))

    def _mask(self, stretch: Stretch) -> MaskedBatch:
        self.supply.turn_to(stretch.start)
        return self.run.mask([stretch.batch()])


def _written_schema(
    plan: MaskingPlan, place: str, written: Callable[[pa.DataType], pa.DataType | None], longest_name: int | None
) -> pa.Schema:
    problems, fields = [], []
    for item in plan.output_schema:
        kind = written(item.type)
        if kind is None:
            problems.append(f'column "{item.name}" ({item.type}): {place} has no such type. Drop or convert it.')
        elif longest_name is not None and len(item.name.encode()) > longest_name:
            problems.append(f'column "{item.name}": {place} cuts names after {longest_name} bytes. Rename it.')
        else:
            fields.append(pa.field(item.name, kind))
    if problems:
        raise PlanError(plan.table, tuple(problems))
    return pa.schema(fields)


def _as_written(column: pa.Array, item: pa.Field) -> pa.Array:
    if column.type == item.type:
        return column
    with suppress(pa.ArrowException):
        return plain(column).cast(item.type)
    raise DatasetError(
        f'column "{item.name}": some masked value does not fit into {item.type}, which the database takes. Truncate '
        "it, or drop the column."
    )
