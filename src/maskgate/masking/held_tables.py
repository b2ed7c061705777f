"""Tables that somebody holds in memory: taken as Arrow data, given back as what they were.

What makes a table into Arrow data may quote a cell in its errors, so that none of its messages is passed on.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from maskgate.errors import UsageError
from maskgate.masking.foreign_types import check_types
from maskgate.methods.nesting import nulls

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True)
class HeldTable:
    """A table, and the way back.

    Attributes:
        table: The table as Arrow data.
        give_back: Makes of a masked table what the original was.
    """

    table: pa.Table
    give_back: Callable[[pa.Table], Any]


def hold(source: Any) -> HeldTable:
    """Take a table as Arrow data.

    Args:
        source: A table, record batch or reader of pyarrow, a DataFrame of pandas or Polars, a LazyFrame of Polars (it
            is collected), a relation of DuckDB, or anything with ``__arrow_c_stream__``, ``__arrow_c_array__`` or
            ``__arrow_c_device_array__`` (it is copied to the host).

    Raises:
        UsageError: If it is something else, or cannot be read.
    """
    if isinstance(source, pa.Table):
        return HeldTable(source, _itself)
    if isinstance(source, pa.RecordBatch):
        return HeldTable(pa.Table.from_batches([source]), _one_batch)
    if isinstance(source, pa.RecordBatchReader):
        return HeldTable(translated(source, source.read_all), pa.Table.to_reader)
    for module, names, open_ in _LIBRARIES:
        # By their names: a library that nobody uses here is not imported.
        for kind in type(source).__mro__:
            if kind.__module__.partition(".")[0] == module and kind.__name__ in names:
                return open_(source)
    if hasattr(source, "__arrow_c_stream__"):
        return HeldTable(translated(source, lambda: pa.table(source)), _like(source, _itself))
    if hasattr(source, "__arrow_c_array__") or hasattr(source, "__arrow_c_device_array__"):
        batch = translated(source, lambda: _on_host(pa.record_batch(source)))
        return HeldTable(pa.Table.from_batches([batch]), _like(source, _one_batch))
    raise UsageError(
        f"{type(source).__name__} cannot be masked. Give a table of pyarrow, a data frame of pandas or Polars, a "
        "relation of DuckDB, or anything else that speaks Arrow's PyCapsule interface; where files are taken, a path "
        "or a URI."
    )


def _on_host(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch if batch.is_cpu else batch.copy_to(pa.default_cpu_memory_manager())


def translated(source: Any, read: Callable[[], T]) -> T:
    """Read, and say of an error no more than its kind.

    Raises:
        UsageError: If it fails.
    """
    failure = ""
    try:
        return read()
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  whatever made the table may quote a cell in its errors
        failure = type(error).__name__
    raise UsageError(
        f"{type(source).__name__}: it cannot be read as Arrow data ({failure}; its message is not shown, since it may "
        "quote a cell). Compute it by itself to see what is wrong, or convert its columns first."
    )


def _itself(table: pa.Table) -> pa.Table:
    return table


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    columns = [_in_one(column) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    chunks = column.chunks or [nulls(0, column.type)]
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def _like(source: Any, otherwise: Callable[[pa.Table], Any]) -> Callable[[pa.Table], Any]:
    """Return what makes a class's own tables from Arrow data, by the name that such makers have."""
    own = getattr(type(source), "from_arrow", None)
    return own if callable(own) else otherwise


def _open_pandas(frame: Any) -> HeldTable:
    from maskgate.masking.pandas_frames import PandasFrame  # noqa: PLC0415  only for those who have pandas

    opened = translated(frame, lambda: PandasFrame.open(frame))
    return HeldTable(opened.table, opened.give_back)


def _open_polars(frame: Any) -> HeldTable:
    import polars as pl  # noqa: PLC0415  only for those who have Polars

    is_lazy = isinstance(frame, pl.LazyFrame)
    held = translated(frame, frame.lazy().collect)
    check_types(held)
    originals = {name: kind for name, kind in held.schema.items() if "Enum(" in str(kind)}

    def give_back(masked: pa.Table) -> Any:
        made: Any = pl.from_arrow(masked)
        left = {name: _kind_left(made[name], kind) for name, kind in originals.items() if name in made}
        made = made.cast(left) if left else made
        return made.lazy() if is_lazy else made

    return HeldTable(translated(frame, held.to_arrow), give_back)


def _kind_left(column: Any, original: Any) -> Any:
    """Return the type of a masked column whose enumerations, at any depth, name only the values that are left.

    Those inside of fixed-size arrays stay categories, which Polars cannot cast there.
    """
    import polars as pl  # noqa: PLC0415  likewise

    now = column.dtype
    if isinstance(original, pl.Enum) and isinstance(now, pl.Categorical | pl.Enum | pl.String):
        left = set(column.drop_nulls().unique().cast(pl.String))
        kept = [each for each in original.categories if each in left]
        return pl.Enum(kept) if len(kept) == len(left) else now
    if isinstance(original, pl.List) and isinstance(now, pl.List):
        return pl.List(_kind_left(column.explode(), original.inner))
    if isinstance(original, pl.Struct) and isinstance(now, pl.Struct):
        before = {each.name: each.dtype for each in original.fields}
        fields = column.struct
        return pl.Struct({each.name: _kind_left(fields.field(each.name), before.get(each.name)) for each in now.fields})
    return now


def _open_duckdb(relation: Any) -> HeldTable:
    check_types(relation)
    fetch = relation.to_arrow_table if hasattr(relation, "to_arrow_table") else relation.fetch_arrow_table

    def give_back(masked: pa.Table) -> Any:
        # DuckDB finds it by the name of this variable, after the tables of the database, none of which is called so.
        maskgate_masked_rows_5d1f8a3c = masked  # noqa: F841
        # Over the connection of the original, the only one that other relations of it can be joined on.
        with suppress(Exception):
            return relation.query("maskgate_original_of_5d1f8a3c", "SELECT * FROM maskgate_masked_rows_5d1f8a3c")
        raise UsageError(
            "DuckDBPyRelation: its connection cannot hold the masked table, as where it takes no tables of Python (by "
            "enable_external_access or python_enable_replacements). Mask `relation.to_arrow_table()`."
        )

    return HeldTable(translated(relation, fetch), give_back)


_LIBRARIES: tuple[tuple[str, frozenset[str], Callable[[Any], HeldTable]], ...] = (
    ("pandas", frozenset({"DataFrame"}), _open_pandas),
    ("polars", frozenset({"DataFrame", "LazyFrame"}), _open_polars),
    ("duckdb", frozenset({"DuckDBPyRelation"}), _open_duckdb),
    ("_duckdb", frozenset({"DuckDBPyRelation"}), _open_duckdb),
)
