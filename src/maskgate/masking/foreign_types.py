"""Columns of Polars and DuckDB that would come as something else once they are Arrow data: refused, and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

# DuckDB hands over bits, variants and long numbers as bytes of its own, a time without its zone, and the greatest of
# `uhugeint` as negative numbers.
_CHANGED = frozenset({"bit", "bignum", "varint", "uhugeint", "time with time zone", "variant"})
# Polars has no Arrow type for objects, and one that pyarrow cannot read for integers of 128 bits.
_NOT_ARROW = frozenset({"Object", "Int128", "UInt128"})


def check_types(source: Any) -> None:
    """Refuse a data frame or relation with such a column; anything else is left to others.

    Raises:
        UsageError: If there is one.
    """
    for module, name, columns in _LIBRARIES:
        # By their names: a library that nobody uses here is not imported.
        if type(source).__module__.partition(".")[0].lstrip("_") == module and type(source).__name__ == name:
            for column, kind in columns(source):
                raise UsageError(
                    f'column "{column}" ({kind}): it would come as something else. Cast it first, such as to text.'
                )


def _of_polars(frame: Any) -> Iterable[tuple[str, Any]]:
    return ((name, kind) for name, kind in frame.schema.items() if _is_no_arrow(kind))


def _is_no_arrow(kind: Any) -> bool:
    """Say whether a type is or holds one that Arrow does not know."""
    inner = [kind.inner] if hasattr(kind, "inner") else [part.dtype for part in getattr(kind, "fields", [])]
    return str(kind) in _NOT_ARROW or any(map(_is_no_arrow, inner))


def _of_duckdb(relation: Any) -> Iterable[tuple[str, Any]]:
    columns = zip(relation.columns, relation.types, strict=True)
    return ((name, kind) for name, kind in columns if _is_changed(kind))


def _is_changed(kind: Any) -> bool:
    """Say whether a type is or holds one that changes; what an enumeration lists is no type."""
    if kind.id in {"list", "array", "struct", "map", "union"}:
        return any(_is_changed(inner) for _, inner in kind.children if hasattr(inner, "id"))
    return kind.id in _CHANGED


_LIBRARIES = (("polars", "DataFrame", _of_polars), ("duckdb", "DuckDBPyRelation", _of_duckdb))
