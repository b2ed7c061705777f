"""The customers table that the datasets benchmark masks: twelve columns, made up, as long as you like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MADE = 1_000_000
_GROUP = 250_000
_FIRST = ["Ann", "Bo", "Charlotte", "Dirk", "Eleonore", "Finn", "Günther", "Hana"]
_LAST = ["Smith", "Müller", "Ng", "Kowalczyk", "O'Neill", "García"]


def write_customers(path: Path, rows: int) -> None:
    """Write the table; behind the first million rows the same ones come again."""
    made = [_rows(start, min(_GROUP, rows - start)) for start in range(0, min(rows, _MADE), _GROUP)]
    with pq.ParquetWriter(path, made[0].schema, compression="zstd", compression_level=3) as writer:
        for table in _repeated(made, rows):
            writer.write_table(table)


def _repeated(made: list[pa.Table], rows: int) -> Iterator[pa.Table]:
    at = 0
    while rows > 0:
        table = made[at % len(made)].slice(0, rows)
        yield table
        rows -= table.num_rows
        at += 1


def _rows(start: int, count: int) -> pa.Table:
    random = np.random.default_rng(start)
    person = pa.array(random.permutation(count) + start)
    names = [pa.array(each).take(pa.array(random.integers(0, len(each), count))) for each in (_FIRST, _LAST)]
    number = pa.array(random.integers(0, 10_000, count)).cast(pa.string())
    cities = pa.array([f"City{at}" for at in range(500)])
    return pa.table(
        {
            "customer_id": pa.array(np.arange(start, start + count) + 10_000_000),
            "email": pc.binary_join_element_wise("u", person.cast(pa.string()), "@example.com", ""),
            "full_name": pc.binary_join_element_wise(*names, number, " "),
            "phone": pc.binary_join_element_wise("+49", _digits(random, 10, count), ""),
            "card": _digits(random, 16, count),
            "birth_date": pa.array(random.integers(-15_000, 15_000, count).astype(np.int32)).cast(pa.date32()),
            "city": cities.take(pa.array(random.integers(0, len(cities), count))),
            "country": pa.array(["DE", "AT", "CH", "FR", "IT"]).take(pa.array(random.integers(0, 5, count))),
            "gender": pa.array(["f", "m", "x", None]).take(pa.array(random.integers(0, 4, count))),
            "income": pa.array(np.round(random.normal(50_000, 12_000, count), 2)),
            "orders": pa.array(random.integers(0, 200, count)),
            "signed_up_at": pa.array(random.integers(15 * 10**14, 17 * 10**14, count)).cast(pa.timestamp("us")),
        }
    )


def _digits(random: np.random.Generator, length: int, count: int) -> pa.Array:
    return pa.array(random.integers(10 ** (length - 1), 10**length, count)).cast(pa.string())
