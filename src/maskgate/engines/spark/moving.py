"""Columns whose values go to other rows: shuffle and swap, by Spark's own shuffles.

Where a value goes follows from the row keys alone (see :mod:`maskgate.methods.row_order`): executors give each row its
mark and its place, and Spark sorts, counts and joins these. The values that are moved are the only cells in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812  what everybody calls it
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import BinaryType, StructField, StructType

from maskgate.engines.spark.partition import (
    CONTENT,
    GROUP,
    MARK,
    PLACE,
    RANKED,
    TIE,
    VALUE,
    ContentOfPartition,
    MarkPartition,
    PlacePartition,
)
from maskgate.errors import MaskingError
from maskgate.methods.opening import opened_type
from maskgate.methods.shuffle import Shuffle
from maskgate.methods.swap import Swap

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from maskgate.engines.spark.recipe import Recipe
    from maskgate.masking import MaskingPlan

_RANK, _SIZE, _PARTNER, _BLOCK, _BUCKET = (
    f"maskgate {name}" for name in ("rank", "size", "partner", "block", "bucket")
)
_TRIPLE = 3


@dataclass(frozen=True)
class MovedColumn:
    """A column whose values go to other rows.

    Attributes:
        name: Its name.
        recipe: How executors make its plan.
        method: What moves it.
    """

    name: str
    recipe: Recipe = field(repr=False)
    method: Shuffle | Swap
    type: pa.DataType

    def values(self, df: DataFrame) -> DataFrame:
        """Return for the mark of each row that has a value the value that it gets."""
        placed = self._placed(df)
        if isinstance(self.method, Shuffle):
            takers = _ranked(placed.select(MARK), MARK)
            givers = _ranked(placed.select(PLACE, VALUE), PLACE)
            return takers.join(givers, _RANK).select(MARK, VALUE)
        keys = [_col(GROUP)]
        if self.method.rank_distance is not None:
            ranked = _ranked_within(placed, keys, [_col(RANKED), _col(TIE)])
            placed = ranked.withColumn(_BLOCK, _block(self.method.rank_distance)).drop(_RANK, _SIZE)
            keys.append(_col(_BLOCK))
        if self.method.within or len(keys) > 1:
            ranked = _ranked_within(placed, keys, [_col(PLACE)])
        else:
            ranked = _ranked(placed, PLACE).withColumn(_SIZE, F.lit(placed.count()))
        names = [GROUP, *([_BLOCK] if len(keys) > 1 else [])]
        takers = ranked.select(*names, MARK, _partner().alias(_RANK))
        return takers.join(ranked.select(*names, _RANK, VALUE), [*names, _RANK]).select(MARK, VALUE)

    def _placed(self, df: DataFrame) -> DataFrame:
        contents = df.mapInArrow(ContentOfPartition(self.recipe, self.name), f"{CONTENT} string").collect()
        content = sum(int(row[CONTENT], 16) for row in contents) % (1 << 128)
        fields = [StructField(name, BinaryType()) for name in (MARK, PLACE, TIE, GROUP, RANKED)]
        value = from_arrow_schema(pa.schema([(VALUE, self.type)])).fields
        schema = StructType([*fields, *value])
        zone = str(df.sparkSession.conf.get("spark.sql.session.timeZone"))
        placing = PlacePartition(self.recipe, self.name, content, to_arrow_schema(schema, timezone=zone))
        return df.mapInArrow(placing, schema)


def moved_columns(plan: MaskingPlan, recipe: Recipe, schema: pa.Schema) -> tuple[tuple[MovedColumn, ...], list[str]]:
    """Return the columns that need all rows at once, and why some of them cannot be had here."""
    moved, problems = [], []
    for column in plan.columns:
        if not column.whole_table:
            continue
        case = column.cases[0]
        reason = ""
        if len(column.cases) > 1 or case.tests:
            reason = "in Spark it cannot depend on the row (`when:`)"
        elif column.input not in schema.names:
            reason = "in Spark it is for columns of the row itself, and not for what is inside of others"
        elif not isinstance(case.method, Shuffle | Swap):
            reason = "it needs all rows at once, and is none of those that Spark can do: shuffle, swap"
        elif case.row_key is None:
            reason = "in Spark it needs `row_key:` on the table, a column that is unique"
        else:
            only = recipe.only(column.input, column.rule)
            kind = opened_type(schema.field(column.input).type)
            moved.append(MovedColumn(column.input, only, case.method, kind))
        if reason:
            problems.append(f"column \"{column.input}\", '{column.methods}': {reason}.")
    return tuple(moved), problems


def check_row_keys(df: DataFrame, column: MovedColumn) -> None:
    """Refuse rows of which two have one key.

    Raises:
        MaskingError: If there are such; with their number.
    """
    marks = df.mapInArrow(MarkPartition(column.recipe, column.name), StructType([StructField(MARK, BinaryType())]))
    repeated = marks.groupBy(MARK).count().agg(F.sum(F.col("count") - 1)).first()
    if repeated is not None and repeated[0]:
        raise MaskingError(
            f'column "{column.name}": {repeated[0]} rows have the `row_key:` of another. Name a column that is unique.'
        )


def _ranked(rows: DataFrame, key: str) -> DataFrame:
    """Number rows by 16 even bytes, from 0 up, over all partitions.

    Bytes that are even fall into buckets of about one size by their first; so that Spark sorts each on its own, and
    the numbers of those before are added.
    """
    first = F.conv(F.hex(F.substring(_col(key), 1, 1)), 16, 10).cast("int")
    bucketed = rows.withColumn(_BUCKET, first)
    counts = {row[0]: row[1] for row in bucketed.groupBy(_BUCKET).count().collect()}
    before, starts = 0, []
    for bucket in range(256):
        starts.append(before)
        before += counts.get(bucket, 0)
    start = F.array(*map(F.lit, starts)).getItem(_col(_BUCKET))
    rank = F.row_number().over(Window.partitionBy(_BUCKET).orderBy(_col(key))) - 1
    return bucketed.withColumn(_RANK, (start + rank).cast("long")).drop(_BUCKET)


def _ranked_within(rows: DataFrame, groups: list[Column], keys: list[Column]) -> DataFrame:
    """Number the rows of each group, from 0 up, and count them."""
    number = F.row_number().over(Window.partitionBy(*groups).orderBy(*keys)) - 1
    size = F.count(F.lit(1)).over(Window.partitionBy(*groups))
    return rows.withColumn(_RANK, number.cast("long")).withColumn(_SIZE, size)


def _partner() -> Column:
    """Return the rank that a rank gets its value from, as :func:`~maskgate.methods.row_order.partners_of` does."""
    rank, size = _col(_RANK), _col(_SIZE)
    is_odd = (size % 2 == 1) & (size >= _TRIPLE) & (rank >= size - _TRIPLE)
    round_ = F.when(rank == size - 1, size - _TRIPLE).otherwise(rank + 1)
    return F.when(size == 1, rank).when(is_odd, round_).otherwise(rank.bitwiseXOR(F.lit(1).cast("long")))


def _block(percent: float) -> Column:
    """Return the number of a rank's block, as :func:`~maskgate.methods.row_order.blocks_of` does."""
    rank, size = _col(_RANK), _col(_SIZE)
    width = F.greatest(F.lit(2).cast("long"), (size * F.lit(percent / 100)).cast("long"))
    whole = F.floor(size / width)
    count = F.greatest(F.lit(1).cast("long"), whole + (size % width > 1).cast("long"))
    return F.least(F.floor(rank / width), count - 1)


def _col(name: str) -> Column:
    return F.col(f"`{name}`")
