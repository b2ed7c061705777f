"""How fast this machine masks: every method over one column, and what the same work costs elsewhere.

Run by `make bench`. Rows a second, the best of three; one thread unless Arrow takes more.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
KEY = bytes(range(32))

RULES = """
version: 1
keys: {people: "env:UNUSED"}
domains:
  hmac: {scheme: hmac, key: people}
  cmac: {scheme: cmac, key: people}
unlisted: drop
tables:
  t:
    entity: id
    columns:
      %s
"""

METHODS = {
    "token, cmac, text of 22 bytes": "email: {method: token, domain: cmac}",
    "token, hmac, text of 22 bytes": "email: {method: token, domain: hmac}",
    "token, cmac, integers": "id: {method: token, domain: cmac}",
    "mask, last two stay": "email: {method: mask, keep_last: 2}",
    "redact": "email: redact",
    "generalize to year": "day: {method: generalize, to: year}",
    "generalize to bands": "income: {method: generalize, band: 1000}",
    "noise": "income: {method: noise, kind: laplace, scale: 500, min: 0, max: 250000}",
    "shift_date": "day: {method: shift_date, days: 180}",
}


def main() -> None:
    """Measure and print."""
    data, keys = sample(), KeyRing({"people": Key("people", KEY)})
    table = Table(title=f"One column of {ROWS:,} rows")
    table.add_column("what")
    table.add_column("rows/s", justify="right")
    for name, rule in METHODS.items():
        rules = load_rules(RULES % (rule if rule.startswith("id:") else f"id: drop\n      {rule}"))
        table.add_row(name, rate(lambda rules=rules: mask_table(data, rules, table_name="t", keys=keys)))
    table.add_section()
    table.add_row("pyarrow: upper case", rate(lambda: pc.utf8_upper(data["email"])))
    few = data["email"].slice(0, ROWS // 10).to_pylist()
    table.add_row(
        "Python: hmac.digest a row", rate(lambda: [hmac.digest(KEY, v.encode(), "sha256") for v in few], len(few))
    )
    table.add_row(
        "Python: hashlib.sha256 a row", rate(lambda: [hashlib.sha256(v.encode()).hexdigest() for v in few], len(few))
    )
    Console().print(table)


def sample() -> pa.Table:
    """Make one table of each kind of column."""
    numbers = np.arange(ROWS, dtype=np.int64)
    random = np.random.default_rng(7)
    return pa.table(
        {
            "id": numbers,
            "email": [f"p{number:09d}@example.com" for number in numbers],
            "day": pa.array(random.integers(0, 20_000, ROWS, dtype=np.int32)).cast(pa.date32()),
            "income": random.uniform(0, 250_000, ROWS),
        }
    )


def rate(work: Callable[[], object], rows: int = ROWS) -> str:
    """Return how many rows a second the work does, at best."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return f"{rows / min(times):,.0f}"


if __name__ == "__main__":
    main()
