"""Small original tables with values planted in them, to be looked for in bytes afterwards."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

PLANTED = {
    "email": "zebulon.quixworth@planted.example",
    "full_name": "Zebulon Quixworth",
    "ssn": "518-73-6094",
    "phone": "+1 518 555 0173",
    "notes": "prefers the blue parlour of Quixworth Hall",
    "gift_note": "for aunt Philippa Quixworth",
}
# What a lying pipeline stages lies in the staging for a moment; nobody looks for it afterwards.
ROWS = {"customers": 200, "orders": 500}


def make_originals(folder: Path) -> None:
    """Write ``customers.parquet`` and ``orders.parquet``, and other ones for those who lie about them."""
    folder.mkdir(parents=True)
    for prefix, planted in (("", PLANTED), ("lying_", {})):
        for name, table in {"customers": customers(planted), "orders": orders(planted)}.items():
            pq.write_table(table, folder / f"{prefix}{name}.parquet", compression="none")


def customers(planted: dict[str, str]) -> pa.Table:
    """Make customers; the first one is the planted one, and the last one lacks everything."""
    random.seed(20)
    count = ROWS["customers"]
    ids = list(range(1000, 1000 + count))
    columns = {
        "email": [f"person.{number}@mail.example" for number in ids],
        "full_name": [f"Given{number} Family{number}" for number in ids],
        "phone": [f"+1 212 555 {number % 10000:04}" for number in ids],
        "ssn": [f"{random.randint(100, 665)}-{random.randint(10, 99)}-{random.randint(1000, 9999)}" for _ in ids],
        "postcode": [f"{random.randint(10000, 99999)}" for _ in ids],
        "gender": [random.choice(["f", "m", "x"]) for _ in ids],
        "notes": ["" if number % 3 else "called twice" for number in ids],
        "country": [random.choice(["DE", "GB", "NO"]) for _ in ids],
    }
    for name, values in columns.items():
        values[0] = planted.get(name, values[0])
        values[-1] = None
    births = [date(1930, 1, 1) + timedelta(days=random.randint(0, 28000)) for _ in ids]
    signed = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 2_000_000)) for _ in ids]
    return pa.table(
        {
            "customer_id": pa.array(ids, pa.int64()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
            "birth_date": pa.array([*births[:-1], None], pa.date32()),
            "income": pa.array([random.randint(0, 120_000) for _ in ids], pa.int64()),
            "signed_up_at": pa.array(signed, pa.timestamp("us", "UTC")),
        }
    )


def orders(planted: dict[str, str]) -> pa.Table:
    """Make orders of those customers."""
    random.seed(21)
    count = ROWS["orders"]
    notes = [None if number % 4 else "" for number in range(count)]
    notes[0] = planted.get("gift_note")
    times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 900_000)) for _ in range(count)]
    return pa.table(
        {
            "order_id": pa.array(range(count), pa.int64()),
            "customer_id": pa.array([1000 + random.randrange(ROWS["customers"]) for _ in range(count)], pa.int64()),
            "ordered_at": pa.array(times, pa.timestamp("us", "UTC")),
            "total": pa.array([round(random.uniform(1, 900), 2) for _ in range(count)], pa.float64()),
            "quantity": pa.array([random.randint(1, 9) for _ in range(count)], pa.int64()),
            "gift_note": pa.array(notes, pa.string()),
            "country": pa.array([random.choice(["DE", "GB", "NO"]) for _ in range(count)], pa.string()),
        }
    )
