"""Makes the sample's two tables: invented people, and what they ordered.

Everybody here is invented, and everything a masking run must survive is in: nulls, empty strings, a dozen scripts,
long text, personal data inside free text, dates and numbers at the ends of what their types hold. The same seed gives
the same bytes.

    python make_data.py --output data --customers 50000 --orders 200000 --seed 20261124
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from faker import Faker

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 20261124

# Norway is here because `NO` must stay text, in YAML as in Parquet.
COUNTRIES = {
    "US": "en_US",
    "GB": "en_GB",
    "DE": "de_DE",
    "NO": "no_NO",
    "GR": "el_GR",
    "UA": "uk_UA",
    "CN": "zh_CN",
    "JP": "ja_JP",
    "KR": "ko_KR",
    "SA": "ar_SA",
    "IL": "he_IL",
    "IN": "hi_IN",
    "TH": "th_TH",
}
NAMES_A_COUNTRY = 150
SENTENCES_A_COUNTRY = 60

EXTREME_INCOMES = (0, -1, 1, 249_999, 250_000, 250_001, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
EXTREME_TOTALS = (0.0, -0.0, 0.005, 5e-324, -19.99, 9_999.994, 1e15, 1.7976931348623157e308)
EXTREME_QUANTITIES = (0, -1, 2**31 - 1, -(2**31))
EXTREME_IDS = (0, -1, 2**53 + 1, 2**63 - 1, -(2**63))
EXTREME_DATES = ("0001-01-01", "1582-10-15", "1899-12-31", "1935-12-31", "1936-01-01", "2000-02-29", "9999-12-31")
# A year from both ends of what Python can write, so that a shifted moment can still be shown.
EXTREME_MOMENTS = ("0001-12-31T00:00:00", "1969-12-31T23:59:59.999999", "2024-02-29T12:00:00", "9999-01-01T00:00:00")
ODD_NAMES = (
    "",
    " ",
    "O'Brien-Smith, Jr.",
    'Robert"); DROP TABLE customers;--',
    "Ngữ Nguyễn",
    "Zoe\u0308 Mu\u0308ller",  # combining marks
    "\u202eevil\u202c",  # right-to-left override
    "👩‍👩‍👧‍👦 Family",
    "名\u3000前",
    "=1+1",
    "NULL",
    "N" * 4_000,
)
LONG_OR_ODD_NOTES = ("long " * 4_000, "長い" * 10_000, "x" * 1_000_000, "\t\n\r", "a\u200bb\ufeff", "🙂" * 500)

CUSTOMERS = pa.schema(
    [
        ("customer_id", pa.int64()),
        ("email", pa.string()),
        ("full_name", pa.string()),
        ("phone", pa.string()),
        ("ssn", pa.string()),
        ("birth_date", pa.date32()),
        ("postcode", pa.string()),
        ("gender", pa.string()),
        ("income", pa.int64()),
        ("signed_up_at", pa.timestamp("us", "UTC")),
        ("notes", pa.string()),
        ("country", pa.string()),
    ]
)
ORDERS = pa.schema(
    [
        ("order_id", pa.int64()),
        ("customer_id", pa.int64()),
        ("ordered_at", pa.timestamp("us", "UTC")),
        ("total", pa.float64()),
        ("quantity", pa.int32()),
        ("gift_note", pa.string()),
        ("country", pa.string()),
    ]
)


@dataclass(frozen=True)
class Pool:
    """What Faker invented for one country; rows combine it, for Faker is too slow to be asked for each."""

    given: Sequence[str]
    family: Sequence[str]
    sentences: Sequence[str]


def invent(seed: int) -> dict[str, Pool]:
    """Have Faker invent names and sentences in the script of each country."""
    pools = {}
    for country, locale in COUNTRIES.items():
        fake = Faker(locale)
        fake.seed_instance(f"{seed}/{country}")
        pools[country] = Pool(
            given=[fake.first_name() for _ in range(NAMES_A_COUNTRY)],
            family=[fake.last_name() for _ in range(NAMES_A_COUNTRY)],
            sentences=[fake.sentence(nb_words=12) for _ in range(SENTENCES_A_COUNTRY)],
        )
    return pools


def make_customers(count: int, seed: int) -> pa.Table:
    """Make the table of customers.

    Args:
        count: How many; each has a ``customer_id`` of their own.
        seed: The same seed makes the same table.
    """
    rng = np.random.default_rng([seed, 1])
    pools = invent(seed)
    countries = _pick(rng, [*COUNTRIES], count)
    names = _names(rng, pools, countries)
    emails = _emails(rng, count)
    ssns = _ssns(rng, count)
    columns: dict[str, list[Any]] = {
        "customer_id": _identifiers(rng, count),
        "full_name": names,
        "phone": [f"+{a} {b:03} {c:06}" for a, b, c in rng.integers([1, 0, 0], [99, 1000, 10**6], (count, 3)).tolist()],
        "birth_date": _days(rng, "1920-01-01", "2008-12-31", count),
        "postcode": _postcodes(rng, countries),
        "gender": _pick(rng, ["female", "male", "diverse", ""], count, weights=[49, 48, 2, 1]),
        "income": np.exp(rng.normal(10.4, 0.6, count)).astype("int64").tolist(),
        "signed_up_at": _moments(rng, count),
        "notes": _notes(rng, pools, list(zip(countries, names, emails, ssns, strict=True))),
        "country": countries,
        "email": emails,
        "ssn": ssns,
    }
    for name in ("email", "full_name", "phone", "ssn", "postcode", "notes"):
        columns[name] = _with_nulls(rng, _with_nulls(rng, columns[name], 0.005, instead=""), 0.03)
    for name in ("birth_date", "gender", "income", "signed_up_at"):
        columns[name] = _with_nulls(rng, columns[name], 0.03)
    odd = {
        "full_name": ODD_NAMES,
        "birth_date": _dates(EXTREME_DATES),
        "income": EXTREME_INCOMES,
        "signed_up_at": _microseconds(EXTREME_MOMENTS),
        "notes": LONG_OR_ODD_NOTES,
    }
    for name, values in odd.items():
        _with_some(rng, columns[name], values)
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in CUSTOMERS}, CUSTOMERS)


def make_orders(count: int, customers: pa.Table, seed: int) -> pa.Table:
    """Make the table of orders; each belongs to one of the customers, and some customers order a lot.

    Args:
        count: How many.
        customers: Who orders.
        seed: The same seed makes the same table.
    """
    rng = np.random.default_rng([seed, 2])
    pools = invent(seed)
    who = (customers.num_rows * rng.random(count) ** 2).astype("int64")
    countries = customers["country"].take(pa.array(who)).to_pylist()
    gifts = _pick(rng, pools["US"].sentences, count)
    for row, chance in enumerate(rng.random(count).tolist()):
        if chance < 0.1:  # noqa: PLR2004  a tenth is in the customer's own script
            gifts[row] = pools[countries[row]].sentences[row % SENTENCES_A_COUNTRY]
    totals = np.round(np.exp(rng.normal(3.5, 1.0, count)), 2).tolist()
    quantities = rng.integers(1, 12, count).tolist()
    columns: dict[str, list[Any]] = {
        "order_id": _identifiers(rng, count),
        "customer_id": customers["customer_id"].take(pa.array(who)).to_pylist(),
        "ordered_at": _with_some(rng, _with_nulls(rng, _moments(rng, count), 0.01), _microseconds(EXTREME_MOMENTS)),
        "total": _with_some(rng, _with_nulls(rng, totals, 0.01), EXTREME_TOTALS),
        "quantity": _with_some(rng, _with_nulls(rng, quantities, 0.01), EXTREME_QUANTITIES),
        "gift_note": _with_nulls(rng, _with_nulls(rng, gifts, 0.02, instead=""), 0.8),
        "country": countries,
    }
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in ORDERS}, ORDERS)


# --- columns --------------------------------------------------------------------------------------------------------


def _pick(rng: np.random.Generator, values: Sequence[Any], count: int, weights: Sequence[float] = ()) -> list[Any]:
    chances = np.array(weights) / sum(weights) if weights else None
    return [values[index] for index in rng.choice(len(values), count, p=chances).tolist()]


def _with_some(rng: np.random.Generator, column: list[Any], values: Sequence[Any]) -> list[Any]:
    """Put each of the odd values into one row of its own, as far as there is room."""
    rows = rng.permutation(len(column))[: len(values)].tolist()
    for row, value in zip(rows, values, strict=False):
        column[row] = value
    return column


def _with_nulls(rng: np.random.Generator, column: list[Any], share: float, instead: Any = None) -> list[Any]:
    lost = (rng.random(len(column)) < share).tolist()
    return [instead if gone else value for gone, value in zip(lost, column, strict=True)]


def _identifiers(rng: np.random.Generator, count: int) -> list[int]:
    """Number rows without repeating a number, in no order, with the ends of the type among them."""
    numbers = (10_000_000 + rng.permutation(count) * 7).tolist()
    return _with_some(rng, numbers, EXTREME_IDS)


def _names(rng: np.random.Generator, pools: dict[str, Pool], countries: list[str]) -> list[str]:
    drawn = rng.integers(0, NAMES_A_COUNTRY, (len(countries), 2)).tolist()
    return [
        f"{pools[country].given[given]} {pools[country].family[family]}"
        for country, (given, family) in zip(countries, drawn, strict=True)
    ]


def _emails(rng: np.random.Generator, count: int) -> list[str]:
    """Invent addresses, a few of them written in capitals, with spaces around, or in other scripts."""
    words = ["anna", "ben", "chloe", "dimitri", "eva", "farid", "george", "hana", "ivan", "june", "κώστας", "мария"]
    hosts = ["example.com", "example.org", "mail.example", "post.example", "firma.example"]
    drawn = rng.integers(0, [len(words), len(hosts), 50], (count, 3)).tolist()
    found = [f"{words[word]}.{row:x}@{hosts[host]}" for row, (word, host, _) in enumerate(drawn)]
    odd = {0: str.upper, 1: lambda email: f" {email} ", 2: str.title}
    return [odd.get(oddity, str)(email) for email, (_, _, oddity) in zip(found, drawn, strict=True)]


def _ssns(rng: np.random.Generator, count: int) -> list[str]:
    drawn = rng.integers([100, 1, 1], [666, 100, 10_000], (count, 3)).tolist()
    return [f"{area:03}-{group:02}-{serial:04}" for area, group, serial in drawn]


def _postcodes(rng: np.random.Generator, countries: list[str]) -> list[str]:
    drawn = rng.integers(0, 100_000, len(countries)).tolist()
    return [
        f"{'ABCDEGHLNS'[code % 10]}{code % 90 + 10} {code % 9}{'ABDEF'[code % 5]}X" if country == "GB" else f"{code:05}"
        for country, code in zip(countries, drawn, strict=True)
    ]


def _notes(rng: np.random.Generator, pools: dict[str, Pool], people: list[tuple[str, str, str, str]]) -> list[str]:
    """Write free text in many scripts; in each tenth somebody wrote down who it is about."""
    drawn = rng.integers(0, [SENTENCES_A_COUNTRY, 10], (len(people), 2)).tolist()
    notes = []
    for (country, name, email, ssn), (sentence, kind) in zip(people, drawn, strict=True):
        text = pools[country].sentences[sentence]
        notes.append(f"{text}\n{name} <{email.strip()}>, SSN {ssn}" if kind == 0 else text)
    return _with_some(
        rng, notes, ["long " * 4_000, "長い" * 10_000, "x" * 1_000_000, "\t\n\r", "a\u200bb\ufeff", "🙂" * 500]
    )


def _days(rng: np.random.Generator, first: str, last: str, count: int) -> list[int]:
    begin, end = _dates((first, last))
    return rng.integers(begin, end + 1, count).tolist()


def _dates(days: Sequence[str]) -> list[int]:
    return [int(np.datetime64(day, "D").astype("int64")) for day in days]


def _moments(rng: np.random.Generator, count: int) -> list[int]:
    begin, end = _microseconds(("2015-01-01T00:00:00", "2026-06-30T23:59:59"))
    return rng.integers(begin, end, count).tolist()


def _microseconds(moments: Sequence[str]) -> list[int]:
    return [int(np.datetime64(moment, "us").astype("int64")) for moment in moments]


# --- files ----------------------------------------------------------------------------------------------------------


def make_data(output: Path, *, customers: int = 50_000, orders: int = 200_000, seed: int = SEED) -> list[Path]:
    """Write ``customers.parquet`` and ``orders.parquet`` into a folder.

    Args:
        output: The folder; it is made if it is missing.
        customers: Rows of the first table.
        orders: Rows of the second.
        seed: The same seed writes the same bytes.
    """
    people = make_customers(customers, seed)
    tables = {"customers": people, "orders": make_orders(orders, people, seed)}
    output.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, output / f"{name}.parquet", compression="zstd", row_group_size=50_000)
    return [output / f"{name}.parquet" for name in tables]


def main() -> None:
    """Read the command line and make the data."""
    parser = argparse.ArgumentParser(description="Make the sample's customers and orders; all of them are invented.")
    parser.add_argument("--output", type=Path, default=Path("data"), help="the folder to write to (data)")
    parser.add_argument("--customers", type=int, default=50_000, help="how many customers (50000)")
    parser.add_argument("--orders", type=int, default=200_000, help="how many orders (200000)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"the same seed makes the same files ({SEED})")
    given = parser.parse_args()
    if given.customers < 0 or given.orders < 0 or given.seed < 0:
        parser.error("--customers, --orders and --seed are whole numbers from 0")
    if given.orders and not given.customers:
        parser.error("--orders needs --customers: somebody has to order")
    started = time.monotonic()
    for path in make_data(given.output, customers=given.customers, orders=given.orders, seed=given.seed):
        print(f"{path}: {pq.read_metadata(path).num_rows} rows, {path.stat().st_size} bytes")
    print(f"made in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
