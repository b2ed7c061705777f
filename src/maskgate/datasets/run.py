"""One streaming run: read, mask on other threads, write in order.

* Everything is planned before the first row of anything is read.
* A few batches are in flight, however long the table is.
* Rows are cut into batches of the same size wherever they come from, so that the same rows give the same files.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from maskgate.datasets.collecting import collect
from maskgate.datasets.parquet_writer import ParquetSink, types_as_read
from maskgate.errors import DatasetError, MaskgateError, PlanError, UsageError
from maskgate.masking import MaskingPlan, MaskingRun
from maskgate.masking.joining import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from maskgate.datasets.outputs import Output
    from maskgate.datasets.sources import Source
    from maskgate.keys import KeyRing
    from maskgate.masking import MaskingReport
    from maskgate.masking.run import MaskedBatch
    from maskgate.rules import Rules

T = TypeVar("T")

_MOST_WORKERS = 4


@dataclass(frozen=True)
class Progress:
    """How far a table is.

    Attributes:
        table: Its name.
        rows: Rows that are masked and written.
        total_rows: Rows there are, if that is known.
        bytes: Bytes written.
    """

    table: str
    rows: int
    total_rows: int | None
    bytes: int


@dataclass(frozen=True)
class MaskedTable:
    """One table that was masked and written.

    Attributes:
        plan: What was done to each column.
        schema: Names and types as a reader of the files sees them.
        file: ``path``, ``size`` and ``sha256`` of what was written.
        report: Counts.
        uri: Where the original is; None if it was in memory.
    """

    plan: MaskingPlan
    schema: tuple[tuple[str, str], ...]
    file: Mapping[str, Any]
    report: MaskingReport
    uri: str | None


def plan_all(sources: Mapping[str, Source], rules: Rules, keys: KeyRing) -> dict[str, MaskingPlan]:
    """Plan every table.

    Raises:
        PlanError: If the rules do not fit one table.
        UsageError: If they do not fit several; with everything that does not fit.
    """
    plans = {}
    problems = []
    for name, source in sources.items():
        try:
            plans[name] = MaskingPlan.make(rules, name, source.schema, keys)
        except PlanError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise UsageError("\n".join(map(str, problems)))
    return plans


def mask_into(
    output: Output,
    path: str,
    source: Source,
    plan: MaskingPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
) -> MaskedTable:
    """Mask one table into one file of an output.

    Raises:
        DatasetError: If a file cannot be read or written.
        MaskingError: If a method cannot take a value.
    """
    schema = _schema_as_read(plan)
    batches = [collect(source, plan.table)] if plan.whole_table else _cut(source)
    with MaskingRun(plan) as run, ParquetSink(output.create(path), plan.output_schema) as sink:
        for masked in _in_order(run, batches, workers or _default_workers()):
            for part in _row_groups(masked.batch, source.batch_rows):
                _writing(partial(sink.write, part))
            run.add(masked)
            if progress is not None:
                progress(Progress(plan.table, run.report.rows, source.rows, sink.size))
        report = run.finish()
        written = _writing(sink.finish)
    return MaskedTable(plan, schema, {"path": path, **written}, report, source.uri)


def _row_groups(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch that holds a whole table into what a reader can take at once."""
    if batch.num_rows <= rows:
        yield batch
        return
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _default_workers() -> int:
    return max(1, min(_MOST_WORKERS, os.cpu_count() or 1))


def _schema_as_read(plan: MaskingPlan) -> tuple[tuple[str, str], ...]:
    types = []
    problems = []
    for item in plan.output_schema:
        try:
            types += [(item.name, str(kind)) for kind in types_as_read(pa.schema([item]))]
        except (pa.ArrowException, ValueError):
            problems.append(
                f'column "{item.name}" ({item.type}): Parquet cannot hold this type. Convert it, or drop it.'
            )
    if problems:
        raise PlanError(plan.table, tuple(problems))
    return tuple(types)


def _in_order(run: MaskingRun, batches: Iterable[pa.RecordBatch], workers: int) -> Iterator[MaskedBatch]:
    """Mask batches on several threads, and give them back in the order they came in."""
    if workers == 1:
        yield from map(run.mask, batches)
        return
    waiting: deque[Future[MaskedBatch]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="maskgate-mask") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(run.mask, batch))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _cut(source: Source) -> Iterator[pa.RecordBatch]:
    """Cut a stream into batches of one size, the last one shorter."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in source.batches():
        at = 0
        while at < batch.num_rows:
            piece = batch.slice(at, source.batch_rows - rows)
            at += piece.num_rows
            rows += piece.num_rows
            pending.append(piece)
            if rows == source.batch_rows:
                yield joined(pending, source.schema)
                pending, rows = [], 0
    if pending:
        yield joined(pending, source.schema)


def _writing(write: Callable[[], T]) -> T:
    failure = ""
    try:
        return write()
    except MaskgateError:
        raise
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    raise DatasetError(f"the masked data cannot be written: {failure}.")
