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
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from maskgate.datasets.collecting import collect
from maskgate.datasets.part_file import PartFile
from maskgate.errors import PlanError, UsageError
from maskgate.masking import MaskingPlan, MaskingRun
from maskgate.masking.joining import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from maskgate.datasets.formats import Format, Segment
    from maskgate.datasets.layout import Layout
    from maskgate.datasets.outputs import Output
    from maskgate.datasets.source import Source
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
        files: ``path``, ``size`` and ``sha256`` of each file that was written.
        report: Counts.
        uri: Where the original is; None if it was in memory.
    """

    plan: MaskingPlan
    schema: tuple[tuple[str, str], ...]
    files: tuple[Mapping[str, Any], ...]
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


@dataclass(frozen=True)
class Sink:
    """How masked tables are written.

    Attributes:
        output: Where the files go.
        format: What format they have.
        layout: How they are laid out.
    """

    output: Output
    format: Format
    layout: Layout


def mask_into(
    sink: Sink,
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
    schema = _schema_as_read(plan, sink.format)
    encoder = sink.format.encoder(plan.output_schema, sink.layout)
    rows = source.batch_rows
    batches = [collect(source, plan.table)] if plan.whole_table else _cut(source, rows)
    with MaskingRun(plan) as run, PartFile(sink.output.create(path), encoder.assembly()) as part:

        def work(batch: pa.RecordBatch) -> tuple[MaskedBatch, list[Segment]]:
            masked = run.mask(batch)
            return masked, [encoder.encode([each]) for each in _row_groups(masked.batch, rows)]

        for masked, segments in _in_order(work, batches, workers or _default_workers()):
            for segment in segments:
                part.add(segment)
            run.add(masked)
            if progress is not None:
                progress(Progress(plan.table, run.report.rows, source.rows, part.size))
        report = run.finish()
        written = part.finish()
    return MaskedTable(plan, schema, ({"path": path, **written},), report, source.uri)


def _row_groups(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch that holds a whole table into what a reader can take at once; nothing, if it has no rows."""
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _default_workers() -> int:
    return max(1, min(_MOST_WORKERS, os.cpu_count() or 1))


def _schema_as_read(plan: MaskingPlan, written: Format) -> tuple[tuple[str, str], ...]:
    types = []
    problems = []
    for item in plan.output_schema:
        try:
            types += [(item.name, str(kind)) for kind in written.types_as_read(pa.schema([item]))]
        except (pa.ArrowException, ValueError):
            problems.append(
                f'column "{item.name}" ({item.type}): {written.name} cannot hold this type. Convert it, or drop it.'
            )
    if problems:
        raise PlanError(plan.table, tuple(problems))
    return tuple(types)


def _in_order(work: Callable[[pa.RecordBatch], T], batches: Iterable[pa.RecordBatch], workers: int) -> Iterator[T]:
    """Work on batches on several threads, and give what comes of them in the order they came in."""
    if workers == 1:
        yield from map(work, batches)
        return
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="maskgate-mask") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(work, batch))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _cut(source: Source, most: int) -> Iterator[pa.RecordBatch]:
    """Cut a stream into batches of one size, the last one shorter."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in source.batches():
        at = 0
        while at < batch.num_rows:
            piece = batch.slice(at, most - rows)
            at += piece.num_rows
            rows += piece.num_rows
            pending.append(piece)
            if rows == most:
                yield joined(pending, source.schema)
                pending, rows = [], 0
    if pending:
        yield joined(pending, source.schema)
