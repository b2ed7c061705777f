"""The columns that the benchmarks mask: made up, the same in every run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
_NAMES = ["Ann", "Bo", "Charlotte", "Dirk", "Eleonore", "Finn", "Günther", "Hana"]
_LAST = ["Smith", "Müller", "Ng", "Kowalczyk", "O'Neill", "García"]
_CITIES = ["Berlin", "Graz", "Basel", "Köln", "Wien", "Bern", "Leipzig", "Lausanne"]


@cache
def column(name: str) -> pa.Array:
    """Return a column of a million rows by its name; ``_or_null`` behind it leaves one cell in ten out."""
    if name.endswith("_or_null"):
        return _with_nulls(column(name.removesuffix("_or_null")))
    if name in _DERIVED:
        of, derive = _DERIVED[name]
        return derive(column(of))
    return _made(name)


def _made(name: str) -> pa.Array:
    random = np.random.default_rng(7)
    match name:
        case "id":
            made = pa.array(random.permutation(ROWS).astype(np.int64) + 10_000_000)
        case "email":
            made = pa.array([f"u{number:07d}@example.com".ljust(22, "m") for number in range(ROWS)])
        case "card":
            made = pa.array([f"{number:016d}" for number in random.integers(0, 10**16, ROWS)])
        case "name":
            first, last = random.integers(0, len(_NAMES), ROWS), random.integers(0, len(_LAST), ROWS)
            made = pa.array([f"{_NAMES[a]} {_LAST[b]}" for a, b in zip(first, last, strict=True)])
        case "city":
            made = pa.array(_CITIES).take(pa.array(random.integers(0, len(_CITIES), ROWS)))
        case "income":
            made = pa.array(random.integers(0, 250_000, ROWS))
        case "height":
            made = pa.array(np.round(random.normal(170, 10, ROWS), 1))
        case "birth_date":
            made = pa.array(random.integers(-15_000, 15_000, ROWS).astype(np.int32)).cast(pa.date32())
        case "seen_at":
            made = pa.array(random.integers(0, 1_700_000_000_000_000, ROWS)).cast(pa.timestamp("us"))
        case _:
            raise KeyError(name)
    return made


def _with_nulls(values: pa.Array) -> pa.Array:
    """Leave one cell in ten out."""
    return values.take(pa.array(np.arange(len(values)), mask=np.arange(len(values)) % 10 == 0))


_DERIVED: dict[str, tuple[str, Callable[[pa.Array], pa.Array]]] = {
    "height_exact": ("height", lambda heights: heights.cast(pa.decimal128(6, 1))),
    "age": ("id", lambda ids: pa.array((ids.to_numpy() % 97).astype(np.int32))),
    "large": ("id", lambda ids: pa.array(ids.to_numpy() * 300_000_000_007)),
    "grade": ("id", lambda ids: pa.array(ids.to_numpy() % 100)),
}


def repeating(name: str) -> pa.Array:
    """Return a column of which one row in a hundred is new, dictionary-encoded."""
    few = column(name).slice(0, ROWS // 100)
    places = np.random.default_rng(8).integers(0, len(few), ROWS).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(places), few)


def table() -> pa.Table:
    """Return all of them."""
    names = ("id", "email", "card", "name", "city", "income", "height", "birth_date", "seen_at")
    return pa.table({name: column(name) for name in names})
