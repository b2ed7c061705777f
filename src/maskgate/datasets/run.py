"""One streaming run: read, mask and encode on several threads, write in order.

* Everything is planned before the first row of anything is read.
* A few stretches of rows are under way, however long the table is.
* What was finished by a run before is not written again.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets.arrow_memory import kept_memory
from maskgate.datasets.formats.parquet_encoding import ParquetEncoder
from maskgate.datasets.moving import supplied
from maskgate.datasets.parts import Names, Parts, Sink
from maskgate.datasets.pipeline import in_order
from maskgate.datasets.working import Work
from maskgate.errors import PlanError, UsageError
from maskgate.masking import MaskingPlan, MaskingRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.datasets.formats import Format
    from maskgate.datasets.progress import Progress
    from maskgate.datasets.source import Source
    from maskgate.keys import KeyRing
    from maskgate.masking import MaskingReport
    from maskgate.rules import Rules

_MOST_WORKERS = 4
MEMORY = 1 << 30


@dataclass(frozen=True)
class MaskedTable:
    """One table that was masked and written.

    Attributes:
        plan: What was done to each column.
        schema: Names and types as a reader of the files sees them.
        files: ``path``, ``size`` and ``sha256`` of each file that was written.
        report: Counts.
        uri: Where the original is; None if it was in memory.
        rows: How many rows each file has.
    """

    plan: MaskingPlan
    schema: tuple[tuple[str, str], ...]
    files: tuple[Mapping[str, Any], ...]
    report: MaskingReport
    uri: str | None
    rows: tuple[int, ...] = ()


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
            problems.append(_with_remarks(error, source))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise UsageError("\n".join(map(str, problems)))
    return plans


def _with_remarks(error: PlanError, source: Source) -> PlanError:
    """Add why a column has the type that the rules do not fit."""
    about = [remark for name, remark in source.remarks.items() if f'column "{name}"' in str(error)]
    return PlanError(error.table, (*error.problems, *about), error.places)


def mask_into(
    sink: Sink,
    names: Names,
    source: Source,
    plan: MaskingPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
    quick: tuple[MaskingPlan, Source] | None = None,
) -> MaskedTable:
    """Mask one table into the files of an output.

    Args:
        sink: Where they go.
        names: What they are called.
        source: The table.
        plan: What is done to it.
        progress: Told after every stretch of rows.
        workers: Threads that mask; None for as many as there are cores, up to four.
        memory: The most bytes that a table may have of which a method must see all rows; of others a quarter of it is
            under way at once.
        quick: The same plan and source with dictionaries, for a format that takes them. Such a format may spell tokens
            by itself, too.

    Raises:
        DatasetError: If a file cannot be read or written.
        MaskingError: If a method cannot take a value, or a check of the rules does not hold.
    """
    schema = _schema_as_read(plan, sink.format)
    encoder = sink.format.encoder(plan.output_schema, sink.layout)
    rows = sink.layout.row_group_rows or source.batch_rows
    quick_plan = plan
    if quick is not None and isinstance(encoder, ParquetEncoder):
        quick_plan, source = quick
        quick_plan = quick_plan.unspelled() if encoder.spells else quick_plan
    workers = workers or default_workers()
    with (
        kept_memory(),
        supplied(source, quick_plan, rows, memory=memory, workers=workers, progress=progress) as supply,
        MaskingRun(supply.plan) as run,
        Parts(sink, names, encoder, plan.empty_report()) as parts,
    ):
        work = Work(run, encoder, source.batch_rows, rows, parts.finished_rows, supply.turn_to)
        # What a run before has finished need not be read, unless the rules want something of the whole table.
        skip = 0 if run.needs_all_rows or supply.held is not None else parts.finished_rows
        if skip:
            run.report += parts.finished_report()
        feed = supply.stretches(rows, skip=skip)
        # Whatever ends it, nobody works or writes any more when the parts are closed.
        with closing(in_order(work.do, feed, workers, memory, parts.take)) as results:
            for masked in results:
                for each in masked:
                    run.add(each)
                if progress is not None:
                    progress(parts.progress(run.report.rows, supply.source.rows, source.about_rows))
        report = run.finish()
        source.verify()
        return MaskedTable(plan, schema, parts.finish(), report, source.uri, parts.rows())


def default_workers() -> int:
    """Return how many threads mask if nobody says so."""
    return max(1, min(_MOST_WORKERS, os.cpu_count() or 1))


def _schema_as_read(plan: MaskingPlan, written: Format) -> tuple[tuple[str, str], ...]:
    types = []
    problems = []
    for item in plan.output_schema:
        try:
            types += [(item.name, str(kind)) for kind in written.types_as_read(pa.schema([item]))]
        except (pa.ArrowException, OSError, ValueError):
            problems.append(
                f'column "{item.name}" ({item.type}): {written.name} cannot hold this type. Convert it, or drop it.'
            )
    if problems:
        raise PlanError(plan.table, tuple(problems))
    return tuple(types)
