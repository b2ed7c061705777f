"""Data frames of pandas, with their indexes.

An index can hold personal data as well as any column. So each of its levels is a column with a rule, under the name
that ``reset_index`` would give it; only row numbers, a range without a name, need none and stay.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.float32(): pd.Float32Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(),
    pa.large_string(): pd.StringDtype(),
}
_NANOSECONDS = {pd.Timestamp, pd.Timedelta}


@dataclass(frozen=True)
class _Part:
    """A column, or a level of the index.

    Attributes:
        name: What the rules call it.
        label: What pandas calls it.
        dtype: Its type in pandas.
        is_level: Whether it belongs to the index.
    """

    name: str
    label: Any
    dtype: Any
    is_level: bool

    @property
    def inner(self) -> Any:
        """The type itself, or of categories that are periods or intervals theirs: Arrow would take them for others."""
        inner = self.dtype.categories.dtype if isinstance(self.dtype, pd.CategoricalDtype) else None
        return inner if isinstance(inner, pd.PeriodDtype | pd.IntervalDtype) else self.dtype


@dataclass(frozen=True)
class PandasFrame:
    """A data frame as Arrow data.

    Attributes:
        table: The levels of the index that are no row numbers, then the columns.
    """

    table: pa.Table
    _parts: tuple[_Part, ...]
    _numbers: Any = field(repr=False)
    _heading: Any = field(repr=False)

    @classmethod
    def open(cls, frame: Any) -> PandasFrame:
        """Take a data frame.

        Raises:
            UsageError: If a column holds what is no Arrow data, such as values of several types.
        """
        has_numbers = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
        parts, columns = [], []
        for level in range(0 if has_numbers else frame.index.nlevels):
            values = frame.index.get_level_values(level)
            parts.append(_Part(_level_name(frame, level), frame.index.names[level], values.dtype, is_level=True))
            columns.append(_as_arrow(parts[-1], values))
        for label, values in frame.items():
            parts.append(_Part(str(label), label, values.dtype, is_level=False))
            columns.append(_as_arrow(parts[-1], values))
        table = pa.table(columns, names=[part.name for part in parts])
        return cls(table, tuple(parts), frame.index if has_numbers else None, list(frame.columns.names))

    def give_back(self, masked: pa.Table) -> Any:
        """Make a data frame of the masked table, with its index and the dtypes that its types allow."""
        parts = [part for part in self._parts if part.name in masked.schema.names]
        columns = [self._restored(masked[part.name], part) for part in parts]
        levels = [pd.Index(column) for column, part in zip(columns, parts, strict=True) if part.is_level]
        labels = [part.label for part in parts if part.is_level]
        index = pd.RangeIndex(masked.num_rows) if self._numbers is None else self._numbers
        if levels:
            index = levels[0].rename(labels[0]) if len(levels) == 1 else pd.MultiIndex.from_arrays(levels, names=labels)
        kept = [(part.label, column) for column, part in zip(columns, parts, strict=True) if not part.is_level]
        frame = pd.DataFrame({at: column.set_axis(index) for at, (_, column) in enumerate(kept)}, index=index)
        frame.columns = pd.Index([label for label, _ in kept])
        if len(self._heading) == frame.columns.nlevels:
            frame.columns.names = self._heading
        return frame

    def _restored(self, column: pa.ChunkedArray, part: _Part) -> Any:
        """Return a column as pandas has it; periods and intervals only if they are the same as before."""
        if isinstance(part.inner, pd.PeriodDtype | pd.IntervalDtype) and _stored(self.table[part.name]) == column:
            values = pd.Series(part.inner.__from_arrow__(column))
            return values if part.inner is part.dtype else values.astype(_left(values, part.dtype))
        return _as_pandas(column, part.dtype)


def _level_name(frame: Any, level: int) -> str:
    label = frame.index.names[level]
    if label is not None:
        return str(label)
    return "index" if frame.index.nlevels == 1 and "index" not in frame.columns else f"level_{level}"


def _as_arrow(part: _Part, values: Any) -> Any:
    failure = ""
    try:
        made = pa.Array.from_pandas(values if part.inner is part.dtype else values.astype(part.inner))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        failure = type(error).__name__
    else:
        if not would_change(values, made.type):
            return made
        failure = f"as {made.type} some would change"
    raise UsageError(
        f'column "{part.name}" ({values.dtype}): it cannot be read as Arrow data ({failure}). Convert it, so that it '
        "holds values of one type."
    )


def would_change(values: Any, kind: pa.DataType) -> bool:
    """Say whether objects are more than what Arrow makes of them without a word.

    Args:
        values: A column, or a level of an index.
        kind: The type that Arrow makes.
    """
    return bool(pd.api.types.is_object_dtype(values.dtype)) and _are_more(values.dropna(), kind)


def _are_more(objects: Any, kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        fields = ([each.get(item.name) for each in objects if isinstance(each, dict)] for item in kind)
        return any(_are_more(_present(found), item.type) for found, item in zip(fields, kind, strict=True))
    kinds = set(map(type, objects))
    if pa.types.is_list(kind):
        is_set = any(issubclass(each, set | frozenset) for each in kinds)
        return is_set or _are_more(_present(chain.from_iterable(objects)), kind.value_type)
    if pa.types.is_date(kind):
        return any(issubclass(each, datetime) for each in kinds)
    if pa.types.is_time(kind):
        return any(getattr(each, "tzinfo", None) is not None for each in objects)
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        zones = {getattr(each, "tzinfo", None) is None for each in objects}
        return len(zones) > 1 or any(map(_has_nanoseconds, objects if kinds & _NANOSECONDS else ()))
    other = str if pa.types.is_binary(kind) else bytes if pa.types.is_string(kind) else None
    return other is not None and any(issubclass(each, other) for each in kinds)


def _present(objects: Iterable[Any]) -> list[Any]:
    return [each for each in objects if each is not None]


def _has_nanoseconds(each: Any) -> bool:
    return bool(getattr(each, "nanosecond", 0) or getattr(each, "nanoseconds", 0))


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)


def _left(values: Any, original: Any) -> Any:
    """Return the type of categories that are left of the original ones."""
    present = set(values.dropna().unique())
    return pd.CategoricalDtype([each for each in original.categories if each in present], ordered=original.ordered)


def _as_pandas(column: pa.ChunkedArray, original: Any) -> Any:
    kind = column.type
    if isinstance(original, pd.ArrowDtype):
        return pd.Series(pd.arrays.ArrowExtensionArray(column))
    if pd.api.types.is_object_dtype(original):
        return pd.Series(_objects(column), dtype=object)
    if isinstance(original, pd.StringDtype) and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column.to_pandas().astype(original)
    if pa.types.is_dictionary(kind) and pa.types.is_timestamp(kind.value_type) and kind.value_type.tz is not None:
        # Of categories, pyarrow leaves the zone out.
        return column.cast(kind.value_type).to_pandas().astype("category")
    is_nullable = isinstance(original, pd.api.extensions.ExtensionDtype) and original.na_value is pd.NA
    if is_nullable or (pa.types.is_integer(kind) and column.null_count):
        # As numpy's floats, which pandas makes of integers with nulls, long tokens would lose their last digits.
        return column.to_pandas(types_mapper=_NULLABLE.get)
    return column.to_pandas()


def _objects(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return column.to_numpy(zero_copy_only=False)
    return column.to_pylist()
