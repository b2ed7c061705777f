"""One piece of work on the customers table, in a process of its own: `python dataset_work.py WORK SOURCE TARGET …`.

Prints how many seconds it took, without the time to start, and how much memory the process had at most.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS = ("email", "full_name", "phone", "card")
SECRET = bytes(range(32))
LEVEL = 3
PRESIDIO_ROWS = 20_000
RULES = """
version: 1
keys: {people: "env:UNUSED"}
domains: {email: {scheme: cmac}, full_name: {scheme: cmac}, phone: {scheme: cmac}, card: {scheme: cmac}}
tables:
  customers:
    entity: customer_id
    columns:
      customer_id: keep
      email: {method: token, domain: email}
      full_name: {method: token, domain: full_name}
      phone: {method: token, domain: phone}
      card: {method: token, domain: card}
      birth_date: keep
      city: keep
      country: keep
      gender: keep
      income: {method: noise, kind: laplace, scale: 500, min: 0, max: 250000}
      orders: keep
      signed_up_at: keep
"""


def mask(source: str, target: str, workers: str = "2", level: str = str(LEVEL)) -> Callable[[], object]:
    """Mask five columns of twelve, the way users of the command line do."""
    from maskgate.cli.arrow import load_arrow  # noqa: PLC0415  each work loads what it needs

    load_arrow()
    from maskgate.datasets import Layout, mask_dataset  # noqa: PLC0415
    from maskgate.keys import Key, KeyRing  # noqa: PLC0415
    from maskgate.rules import read_rules  # noqa: PLC0415

    rules, keys = read_rules(RULES, "rules"), KeyRing({"people": Key("people", SECRET)})
    layout = Layout(compression="zstd", compression_level=int(level))
    return lambda: mask_dataset(
        source, target, rules, table_name="customers", keys=keys, workers=int(workers), layout=layout
    )


def polars(source: str, target: str, level: str = str(LEVEL)) -> Callable[[], object]:
    """Copy what was masked, and do nothing to it."""
    import polars as pl  # noqa: PLC0415

    return lambda: pl.scan_parquet(source).sink_parquet(target, compression="zstd", compression_level=int(level))


def duckdb(source: str, target: str, level: str = str(LEVEL)) -> Callable[[], object]:
    """Hash the same four columns without a key."""
    import duckdb as duck  # noqa: PLC0415

    connection = duck.connect(config={"threads": 2})
    tokens = ", ".join(f"sha256({name}) AS {name}" for name in TOKENS)
    query = f"SELECT * REPLACE ({tokens}) FROM read_parquet('{source}')"
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {level}"
    return lambda: connection.execute(f"COPY ({query}) TO '{target}' ({options})")


def presidio(source: str, _target: str) -> Callable[[], object]:
    """Hash the same four columns of a few rows, held as Python objects."""
    import pyarrow.parquet as pq  # noqa: PLC0415
    from presidio_anonymizer.entities import OperatorConfig  # noqa: PLC0415
    from presidio_structured import PandasDataProcessor, StructuredAnalysis, StructuredEngine  # noqa: PLC0415

    batch = next(pq.ParquetFile(source).iter_batches(PRESIDIO_ROWS))
    frame = batch.to_pandas().astype(dict.fromkeys(TOKENS, object))
    engine = StructuredEngine(data_processor=PandasDataProcessor())
    analysis = StructuredAnalysis(entity_mapping=dict.fromkeys(TOKENS, "PERSON"))
    how = {"PERSON": OperatorConfig("hash", {"hash_type": "sha256", "salt": SECRET})}
    return lambda: engine.anonymize(frame, analysis, how)


WORKS: dict[str, Callable[..., Callable[[], object]]] = {
    "mask": mask,
    "polars": polars,
    "duckdb": duckdb,
    "presidio": presidio,
}


def main() -> int:
    """Do one piece of work."""
    name, source, target, *more = sys.argv[1:]
    work = WORKS[name](source, target, *more)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    size = Path(target).stat().st_size if Path(target).is_file() else 0
    processor = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": seconds, "processor": processor, "memory": peak_memory(), "size": size}))
    return 0


def peak_memory() -> int:
    """Return how many bytes were resident at most; what `getrusage` says begins with those of whoever started this."""
    words = Path("/proc/self/status").read_text(encoding="ascii").split()
    return int(words[words.index("VmHWM:") + 1]) * 1024


if __name__ == "__main__":
    sys.exit(main())
