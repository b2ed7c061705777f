"""Mask a DataFrame of Spark: planned on the driver, masked on the executors.

* A DataFrame is lazy, and so is the masked one: what is checked over the whole table is checked before it is returned.
* It may be computed several times, and must give the same rows each time; cache it if it does not.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812  what everybody calls it
from pyspark.sql.classic.dataframe import DataFrame as ClassicDataFrame
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import BinaryType, BooleanType, StructField, StructType

from maskgate.engines.spark.failures import translated
from maskgate.engines.spark.moving import MovedColumn, check_row_keys, moved_columns
from maskgate.engines.spark.partition import MARK, PRESENT, REPORT, VALUE, Counts, MaskPartition, ReportPartition
from maskgate.engines.spark.recipe import Recipe
from maskgate.engines.spark.writing import write_parquet
from maskgate.errors import MaskingError, PlanError, UsageError
from maskgate.masking.plan import table_rules
from maskgate.masking.report import ColumnReport, MaskingReport
from maskgate.rules.rule import ColumnRule

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from pyspark import Accumulator
    from pyspark.sql import DataFrame

    from maskgate.masking import MaskingPlan
    from maskgate.rules import Rules
    from maskgate.rules.model import Check

_NULLIFY = ColumnRule("nullify")


@dataclass(frozen=True)
class SparkMasking:
    """What was planned for a DataFrame, and what comes of it.

    Attributes:
        dataframe: The masked DataFrame.
        plan: What happens to each column.
        rules: The rules.
    """

    dataframe: DataFrame
    plan: MaskingPlan
    rules: Rules
    _original: DataFrame = field(repr=False)
    _recipe: Recipe = field(repr=False)
    _moved: tuple[MovedColumn, ...] = field(repr=False)
    _counts: Accumulator[dict[int, Any]] = field(repr=False)

    def report(self) -> MaskingReport:
        """Mask once more, and gather the counts; the masked rows go nowhere.

        Raises:
            MaskingError: If a method could not take a value.
        """
        with translated():
            rows = self._original.mapInArrow(ReportPartition(self._recipe), f"{REPORT} string").collect()
        return self._summed([json.loads(row[REPORT]) for row in rows])

    def report_on(self, act: Callable[[], None]) -> MaskingReport:
        """Let something compute all of the masked DataFrame once, and gather the counts on the way."""
        self._counts.value = {}
        with translated():
            act()
        return self._summed(list(self._counts.value.values()))

    def write(self, target: str | os.PathLike[str]) -> dict[str, Any]:
        """Write the masked rows as a new folder of Parquet, and its manifest last.

        Args:
            target: A path or URI that both driver and executors reach, and where nothing is yet.

        Returns:
            What ``manifest.json`` holds.

        Raises:
            MaskingError: If a method could not take a value.
            DatasetError: If something is there already, or it cannot be written.
        """
        return write_parquet(self, target)

    def _summed(self, counts: list[Mapping[str, Any]]) -> MaskingReport:
        report = sum(map(self._as_report, counts), self.plan.empty_report())
        return replace(report, epsilon=self._epsilon())

    def _as_report(self, counts: Mapping[str, Any]) -> MaskingReport:
        moved = {each.name for each in self._moved}
        columns = {}
        for plan in self.plan.columns:
            nulls, after, invalid = counts["columns"][plan.input]
            after = nulls if plan.input in moved else after
            columns[plan.input] = ColumnReport(plan.methods, nulls, after, invalid, plan.facts)
        return MaskingReport(self.plan.table, counts["rows"], columns)

    def _epsilon(self) -> float | None:
        """Return the most that one entity spends, over all noisy columns and rows."""
        spending = self.plan.tally().spending
        if not spending:
            return None
        names = next(iter(spending.values())).entity.names
        entity = self._original[_quoted(names[0])]
        for name in names[1:]:
            entity = entity.getField(name)
        most = self._original.groupBy(entity.alias("entity")).count().agg(F.max("count")).first()
        return sum(each.epsilon for each in spending.values()) * ((most and most[0]) or 0)


def mask_dataframe(
    df: DataFrame, rules: Rules, *, keys: Mapping[str, str] | None = None, table_name: str
) -> tuple[DataFrame, SparkMasking]:
    """Mask a DataFrame of Spark.

    Args:
        df: The original.
        rules: What to do with its columns.
        keys: References to keys by their names, such as ``{"people": "env:MASKGATE_KEY_PEOPLE"}``, which stand for
            those of the rules; None for those of the rules. Never the keys: every executor resolves them.
        table_name: What the rules call the table.

    Returns:
        The masked DataFrame, and what writes it with a manifest or counts what was done.

    Raises:
        UsageError: If keys are given as what they are, or the session is none that this takes.
        PlanError: If the rules do not fit the schema, or ask for what cannot be had in Spark.
        KeyReferenceError: If a key cannot be had.
        MaskingError: If two rows have one row key, or a value that must be unique stands twice.
    """
    if not isinstance(df, ClassicDataFrame):
        raise UsageError(f"{type(df).__name__} is no DataFrame of a classic Spark session, which alone is taken here.")
    if df.isStreaming:
        raise UsageError("a streaming DataFrame is not taken. Mask each batch of it, in `foreachBatch`.")
    check = table_rules(rules, table_name).check
    recipe = Recipe.of(rules, table_name, keys)
    schema = _arrow_schema(df, table_name)
    plan = recipe.plan(schema)
    moved, problems = moved_columns(plan, recipe, schema)
    problems += _column_problems(df) + _check_problems(plan, check)
    output, unknown = _spark_schema(plan)
    if problems + unknown:
        raise PlanError(table_name, tuple(problems + unknown))
    recipe = recipe.with_columns({each.name: _NULLIFY for each in moved})
    param: Any = Counts()
    counts = df.sparkSession.sparkContext.accumulator({}, param)
    with translated():
        masked = _masked(df, recipe, output, moved, counts)
        _check_unique(masked, table_name, check)
    return masked, SparkMasking(masked, plan, rules, df, recipe, moved, counts)


def _masked(
    df: DataFrame,
    recipe: Recipe,
    output: StructType,
    moved: tuple[MovedColumn, ...],
    counts: Accumulator[dict[int, Any]],
) -> DataFrame:
    marked = [
        item
        for each in moved
        for item in (
            StructField(f"{MARK} {each.name}", BinaryType()),
            StructField(f"{PRESENT} {each.name}", BooleanType()),
        )
    ]
    whole = StructType([*output.fields, *marked])
    recipes = {each.name: each.recipe for each in moved}
    masking = MaskPartition(recipe, to_arrow_schema(whole, timezone=_zone(df)), recipes, counts)
    masked = df.mapInArrow(masking, whole)
    if not moved:
        return masked
    check_row_keys(df, moved[0])
    for each in moved:
        mark, value = f"{MARK} {each.name}", f"{VALUE} {each.name}"
        found = each.values(df).withColumnsRenamed({MARK: mark, VALUE: value})
        masked = masked.join(found, mark, "left").withColumn(
            each.name,
            F.when(
                F.col(_quoted(f"{PRESENT} {each.name}")) & F.col(_quoted(value)).isNull(),
                F.raise_error(F.lit("the DataFrame gave other rows the second time; cache it before it is masked")),
            ).otherwise(F.col(_quoted(value))),
        )
    return masked.select([F.col(_quoted(item.name)) for item in output.fields])


def _zone(df: DataFrame) -> str:
    return str(df.sparkSession.conf.get("spark.sql.session.timeZone"))


def _arrow_schema(df: DataFrame, table: str) -> pa.Schema:
    """Return the columns as Spark hands them over.

    Raises:
        PlanError: If there are some that it does not.
    """
    fields, problems = [], []
    for item in df.schema:
        try:
            fields += to_arrow_schema(StructType([item]), timezone=_zone(df))
        except Exception:  # noqa: BLE001  Spark's errors have many classes here
            problems.append(
                f'column "{item.name}" ({item.dataType.simpleString()}): Spark does not hand over this type. Cast it.'
            )
    if problems:
        raise PlanError(table, tuple(problems))
    return pa.schema(fields)


def _spark_schema(plan: MaskingPlan) -> tuple[StructType, list[str]]:
    """Return the schema of the masked DataFrame, and which columns Spark has no type for."""
    fields, problems = [], []
    for item in plan.output_schema:
        try:
            fields += from_arrow_schema(pa.schema([item])).fields
        except Exception:  # noqa: BLE001  Spark's errors have many classes here
            problems.append(f'column "{item.name}" ({item.type}): Spark has no such type. Choose another method.')
    return StructType(fields), problems


def _column_problems(df: DataFrame) -> list[str]:
    """Say which columns Spark does not hand over as they are."""
    return _names_alike(df) + [
        f'column "{item.name}": {problem}'
        for item in df.schema
        for is_so, problem in (
            (
                "." in item.name or "`" in item.name,
                "Spark takes no dot and no backtick in names here. Rename it first.",
            ),
            (item.dataType.typeName() == "variant", "Spark hands over a variant as bytes. Make it a text: to_json(…)."),
        )
        if is_so
    ]


def _names_alike(df: DataFrame) -> list[str]:
    """Say which columns Spark does not tell apart."""
    tells_capitals = str(df.sparkSession.conf.get("spark.sql.caseSensitive")).lower() == "true"
    spelled = {name: name if tells_capitals else name.lower() for name in df.columns}
    count = Counter(spelled[name] for name in df.columns)
    alike = sorted(name for name in df.columns if count[spelled[name]] > 1)
    return [f"columns {', '.join(alike)}: they are one to Spark. Rename them."] if alike else []


def _check_problems(plan: MaskingPlan, check: Check) -> list[str]:
    problems = []
    if check.no_value_survives:
        problems.append(
            "`no_value_survives:` is checked by `mask_dataset` and `mask_table`, and not in Spark. Take it out there."
        )
    problems += [
        f'column "{path}": `unique:` is checked in Spark only for columns of the row itself.'
        for path in check.unique
        if path not in plan.output_schema.names
    ]
    problems += [
        f'column "{path}": how much noise one entity gets cannot be added up in Spark for what is inside of lists.'
        for path, spent in plan.tally().spending.items()
        if spent.place
    ]
    return problems


def _check_unique(masked: DataFrame, table: str, check: Check) -> None:
    problems = []
    for path in check.unique:
        column = masked[_quoted(path)]
        counts = masked.where(column.isNotNull()).groupBy(column.alias("value")).count()
        repeated = counts.agg(F.sum(F.col("count") - 1)).first()
        if repeated is not None and repeated[0]:
            problems.append(
                f'table "{table}", column "{path}": {repeated[0]} values stand there a second time, and `check:` wants '
                "each only once. Choose a method that keeps values apart, or look for repeated originals."
            )
    if problems:
        raise MaskingError("\n".join(problems))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
