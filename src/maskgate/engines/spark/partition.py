"""What runs on executors: functions for ``mapInArrow``, each made of a recipe."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark import TaskContext

from maskgate.crypto.cells import validity
from maskgate.engines.spark.recipe import in_larger
from maskgate.errors import MaskingError
from maskgate.masking.frames import Frame
from maskgate.methods.layout import plain
from maskgate.methods.opening import opened
from maskgate.methods.row_order import RowOrder, sortable
from maskgate.methods.swap import Swap, sortable_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from maskgate.engines.spark.recipe import Recipe
    from maskgate.masking.column_plan import CasePlan
    from maskgate.masking.report import MaskingReport

_BLOCK = 16
MARK, PLACE, TIE, GROUP, RANKED, VALUE, PRESENT = (
    f"maskgate {name}" for name in ("mark", "place", "tie", "group", "ranked", "value", "present")
)
PARTITION, REPORT, CONTENT = "partition", "report", "content"


@dataclass(frozen=True)
class MaskPartition:
    """Masks the rows of a partition, and leaves columns that are moved between rows empty.

    Attributes:
        recipe: How to make the plan.
        schema: What comes out, as Spark wants it: the masked columns, then mark and presence for each moved one.
        moved: The recipe of each column that is moved, by its name.
        counts: Where the counts of the partition go, an accumulator.
    """

    recipe: Recipe
    schema: pa.Schema
    moved: Mapping[str, Recipe] = field(default_factory=dict)
    counts: Any = None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Mask batch after batch."""
        plan, report = None, None
        for batch in in_larger(batches):
            plan = plan or self.recipe.plan(batch.schema)
            masked, done = plan.mask_and_report(batch)
            report = done if report is None else report + done
            columns = list(masked.columns)
            for name, recipe in self.moved.items():
                rows = MovedRows.of(recipe, name, batch)
                columns += [_blocks(rows.marks()), rows.column.is_valid()]
            yield _as_spark_wants(columns, self.schema)
        context = TaskContext.get()
        if report is not None and self.counts is not None and context is not None:
            self.counts.add({context.partitionId(): _counts(report)})


class Counts:
    """What an accumulator does with counts by partition: one that is computed again counts once."""

    def zero(self, value: dict[int, Any]) -> dict[int, Any]:  # noqa: ARG002  as Spark wants it
        """Begin with none."""
        return {}

    def addInPlace(self, value1: dict[int, Any], value2: dict[int, Any]) -> dict[int, Any]:  # noqa: N802
        """Take further partitions."""
        return {**value1, **value2}


@dataclass(frozen=True)
class ReportPartition:
    """Masks the rows of a partition, and gives counts alone."""

    recipe: Recipe

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give one row, with the report as JSON."""
        plan, report = None, None
        for batch in in_larger(batches):
            plan = plan or self.recipe.plan(batch.schema)
            done = plan.mask_and_report(batch)[1]
            report = done if report is None else report + done
        if report is not None:
            yield pa.record_batch({REPORT: [json.dumps(_counts(report))]})


@dataclass(frozen=True)
class ContentOfPartition:
    """Digests the content of a column that is moved; the sums of all partitions are added up."""

    recipe: Recipe
    column: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give one row: the sum, as hexadecimal digits."""
        content = 0
        for batch in in_larger(batches):
            rows = MovedRows.of(self.recipe, self.column, batch)
            content += rows.order.content(rows.marks(), rows.column, rows.groups())
        yield pa.record_batch({CONTENT: [f"{content % (1 << 128):032x}"]})


@dataclass(frozen=True)
class MarkPartition:
    """Gives the mark of every row."""

    recipe: Recipe
    column: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Mark batch after batch."""
        for batch in in_larger(batches):
            marks = MovedRows.of(self.recipe, self.column, batch).marks()
            yield pa.record_batch([_blocks(marks)], names=[MARK])


@dataclass(frozen=True)
class PlacePartition:
    """Gives for every value that is not null what orders it, and the value.

    Attributes:
        recipe: How to make the plan.
        column: The column that is moved.
        content: The digest of all its rows.
        schema: What comes out.
    """

    recipe: Recipe
    column: str
    content: int
    schema: pa.Schema

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Order batch after batch."""
        for batch in in_larger(batches):
            rows = MovedRows.of(self.recipe, self.column, batch)
            valid = validity(plain(rows.column))
            there = np.ones(len(rows.column), np.bool_) if valid is None else valid
            marks, groups = rows.marks(), rows.groups()
            groups = np.zeros_like(marks) if groups is None else groups
            places = [rows.order.places(self.content, marks, number) for number in (0, 1)]
            columns = [_blocks(each[there]) for each in (marks, *places, groups)]
            yield _as_spark_wants([*columns, rows.ranked(), plain(rows.column).drop_null()], self.schema)


@dataclass(frozen=True)
class MovedRows:
    """Rows of a column that is moved, in one batch."""

    case: CasePlan
    order: RowOrder
    column: pa.Array
    frame: Frame
    name: str

    @classmethod
    def of(cls, recipe: Recipe, name: str, batch: pa.RecordBatch) -> MovedRows:
        """Look a column up."""
        needed = batch.schema
        plan = recipe.plan(needed)
        case = next(each for each in plan.columns if each.output is not None).cases[0]
        order = case.method.row_order(case.key, recipe.table, name)  # type: ignore[attr-defined]
        return cls(case, order, opened(batch.column(name)), Frame(batch), name)

    def marks(self) -> NDArray[Any]:
        """Return the mark of each row."""
        if self.case.row_key is None:
            raise MaskingError(f'column "{self.name}": the table has no `row_key:`.')
        try:
            return self.order.marks(self.frame.column(self.case.row_key))
        except MaskingError as error:
            raise MaskingError(f'column "{self.name}": {error}') from None

    def groups(self) -> NDArray[Any] | None:
        """Return what the rows of a group have in common; None if all are one."""
        reads = self.case.reads
        within = self.case.method.within if isinstance(self.case.method, Swap) else ()
        return self.order.groups([self.frame.column(reads[name]) for name in within]) if within else None

    def ranked(self) -> pa.Array:
        """Return words that sort as the values do, those of nulls left out; zeros if nobody asks for ranks."""
        values = plain(self.column).drop_null()
        if not isinstance(self.case.method, Swap) or self.case.method.rank_distance is None:
            words = np.zeros(len(values), ">u8")
        else:
            words = sortable(sortable_numbers(values)).astype(">u8")
        return pa.Array.from_buffers(pa.binary(8), len(words), [None, pa.py_buffer(np.ascontiguousarray(words))])


def _blocks(words: NDArray[Any]) -> pa.Array:
    """Return two words a row as bytes, which Spark sorts as they stand."""
    data = np.ascontiguousarray(words.astype(">u8", copy=False))
    fixed = pa.Array.from_buffers(pa.binary(_BLOCK), len(data), [None, pa.py_buffer(data)])
    # Spark knows no bytes of a fixed length.
    return fixed.cast(pa.binary())


def _as_spark_wants(columns: list[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    cast = [_cast(column, item) for column, item in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(cast, schema=schema)


def _cast(column: pa.Array, item: pa.Field) -> pa.Array:
    # What Arrow says may quote a cell.
    with suppress(pa.ArrowException):
        return column.cast(item.type)
    raise MaskingError(f'column "{item.name}" ({column.type}): Spark cannot hold it as {item.type}. Convert it.')


def _counts(report: MaskingReport) -> dict[str, Any]:
    columns = {path: [each.nulls, each.nulls_after, each.invalid] for path, each in report.columns.items()}
    return {"rows": report.rows, "columns": columns}
