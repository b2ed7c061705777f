"""Measures masking of whole datasets, writes `docs/scale.md` and its pictures.

make bench-datasets                        everything; takes up to 15 GB of disk, and removes it
make bench-datasets ONLY=copy,start        some parts
make bench-datasets ONLY=slope ROWS=1,10   the slope, for these millions of rows

Each way of doing the work runs in a process of its own, in turn with the others; the best of some rounds counts.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
from customers import write_customers
from dataset_pictures import draw_slope
from dataset_work import LEVEL, PRESIDIO_ROWS, RULES
from sections import judged, with_section

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
WORK = Path(__file__).with_name("dataset_work.py")
BY = "make bench-datasets"
ROWS = int(os.environ.get("COPY_ROWS", "3_000_000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
_MILLION = 1_000_000


@dataclass(frozen=True)
class Held:
    """What was measured, and what it is held to."""

    what: str
    measured: str
    ratio: float
    most: float | None = None
    least: float | None = None

    def as_row(self) -> str:
        """Write a row of a table."""
        must, reached = judged(self.ratio, self.least, self.most)
        return f"| {self.what} | {self.measured} | {self.ratio:.3g} | {must} | {reached} |"


def main() -> int:
    """Measure the parts asked for, and write each into its place."""
    wanted = os.environ["ONLY"].split(",") if os.environ.get("ONLY") else list(PARTS)
    with tempfile.TemporaryDirectory(prefix="maskgate-bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
        for name in wanted:
            print(f"measuring {name} …", file=sys.stderr)
            measured = PARTS[name](Path(folder))
            print(measured)
            text = with_section(PAGE.read_text(encoding="utf-8"), name, measured, BY)
            PAGE.write_text(with_section(text, "machine", machine(), BY), encoding="utf-8")
    return 0


def copy(folder: Path) -> str:
    """Compare with copying what was masked, and with others that mask."""
    source, masked = customers(folder, ROWS), folder / "masked.parquet"
    rows = []
    for level in (1, LEVEL):
        for _ in range(ROUNDS):
            once("mask", source, masked, 2, level)
            once("polars", masked, folder / "copied.parquet", level)
            if level == LEVEL:
                once("duckdb", source, folder / "hashed.parquet", level)
        ours, theirs = best("mask", masked, 2, level), best("polars", folder / "copied.parquet", level)
        words = f"{ours['seconds']:.2f} s ÷ {theirs['seconds']:.2f} s"
        rows.append(Held(f"time ÷ Polars copying the masked output, zstd {level}", words, over(ours, theirs), most=1))
        sizes = f"{ours['size'] / _MILLION:.0f} MB ÷ {theirs['size'] / _MILLION:.0f} MB"
        rows.append(Held(f"size ÷ that of Polars' copy, zstd {level}", sizes, ours["size"] / theirs["size"], most=1.05))
    ours, hashed = best("mask", masked, 2, LEVEL), best("duckdb", folder / "hashed.parquet", LEVEL)
    words = f"{ours['seconds']:.2f} s ÷ {hashed['seconds']:.2f} s"
    rows.append(Held("time ÷ DuckDB with unkeyed `sha256`", words, over(ours, hashed), most=0.33))
    once("presidio", source, folder / "none")
    scaled = best("presidio", folder / "none")["seconds"] * ROWS / PRESIDIO_ROWS
    words = f"{ours['seconds']:.2f} s ÷ {scaled:.0f} s"
    rows.append(Held("time ÷ presidio-structured", words, ours["seconds"] / scaled, most=0.02))
    return table(rows)


def workers(folder: Path) -> str:
    """Compare one worker with two."""
    source, masked = customers(folder, ROWS), folder / "masked.parquet"
    for _ in range(ROUNDS):
        for count in (1, 2):
            once("mask", source, masked, count, LEVEL)
    one, two = (best("mask", masked, count, LEVEL) for count in (1, 2))
    words = f"{one['seconds']:.2f} s ÷ {two['seconds']:.2f} s"
    return table([Held("time with 1 worker ÷ with 2", words, over(one, two), least=1.8)])


def slope(folder: Path) -> str:
    """Measure how time and memory grow with the rows."""
    millions = [int(each) for each in os.environ.get("ROWS", "1,10,100").split(",")]
    found = {}
    for each in millions:
        source, target = customers(folder, each * _MILLION), folder / f"masked-{each}"
        for _ in range(1 if each > 10 else ROUNDS):  # noqa: PLR2004  a hundred million take minutes
            once("mask", source, target, 2, LEVEL)
            remove(target)
        found[each] = best("mask", target, 2, LEVEL)
        source.unlink()
    draw_slope(found, PAGE.parent / "images")
    lines = ["| rows | seconds | µs a row | peak memory |", "|---:|---:|---:|---:|"]
    for each, one in found.items():
        rate = one["seconds"] / each
        lines.append(f"| {each} M | {one['seconds']:.1f} | {rate:.3f} | {one['memory'] / _MILLION:.0f} MB |")
    first, last = found[millions[0]], found[millions[-1]]
    growth = (last["seconds"] / millions[-1]) / (first["seconds"] / millions[0])
    most = max(one["memory"] for one in found.values()) / _MILLION
    flat = last["memory"] / first["memory"]
    held = [
        Held("time a row, most rows ÷ fewest", "see above", growth, most=1.1),
        Held("peak memory, MB, 2 workers", f"{most:.0f} MB", most, most=700),
        Held("peak memory, most rows ÷ fewest", "see above", flat, most=1.1),
    ]
    return "\n".join([*lines, "", table(held)])


def start(folder: Path) -> str:
    """Compare a whole run on ten rows with importing pyarrow's reader."""
    source, rules = customers(folder, 10), folder / "rules.yaml"
    rules.write_text(RULES.replace("env:UNUSED", "env:BENCH_KEY"), encoding="utf-8")
    # Compiled modules are kept, as they are where it is installed.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**inherited, "BENCH_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
    program = Path(sys.executable).with_name("maskgate")
    target = folder / "ten.parquet"
    ours, theirs = [], []
    for _ in range(2 * ROUNDS):
        target.unlink(missing_ok=True)
        ours.append(timed([program, "mask", rules, source, target, "--table", "customers"], environment))
        theirs.append(timed([sys.executable, "-c", "import pyarrow.parquet"], environment))
    words = f"{min(ours):.2f} s ÷ {min(theirs):.2f} s"
    return table(
        [Held("`maskgate mask` on 10 rows ÷ `import pyarrow.parquet`", words, min(ours) / min(theirs), most=3)]
    )


PARTS: dict[str, Callable[[Path], str]] = {"copy": copy, "workers": workers, "slope": slope, "start": start}
_FOUND: dict[tuple[str, ...], list[dict[str, Any]]] = {}


def customers(folder: Path, rows: int) -> Path:
    """Return the table of so many rows, made once."""
    path = folder / f"customers-{rows}.parquet"
    if not path.exists():
        write_customers(path, rows)
    return path


def once(work: str, source: Path, target: Path, *more: object) -> None:
    """Do a piece of work once, and keep what it took."""
    remove(target)
    arguments = [str(each) for each in (source, target, *more)]
    done = subprocess.run([sys.executable, WORK, work, *arguments], check=True, capture_output=True, text=True)
    _FOUND.setdefault((work, str(target), *arguments[2:]), []).append(json.loads(done.stdout.splitlines()[-1]))


def best(work: str, target: Path, *more: object) -> dict[str, Any]:
    """Return the quickest of the rounds."""
    return min(_FOUND[work, str(target), *map(str, more)], key=lambda each: each["seconds"])


def remove(target: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def over(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Return how many times as long one took."""
    return one["seconds"] / other["seconds"]


def timed(command: list[Any], environment: dict[str, str]) -> float:
    """Return how long a process takes, from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def table(rows: list[Held]) -> str:
    """Write what was measured as a table."""
    heads = ["| what | measured | ratio | must be | reached |", "|---|---|---:|---|---|"]
    return "\n".join([*heads, *(row.as_row() for row in rows)])


def machine() -> str:
    """Say on what it was measured."""
    versions = f"Python {platform.python_version()}, pyarrow {pa.__version__}, Polars {pl.__version__}"
    return f"{os.cpu_count()} cores, {platform.machine()}; {versions}, DuckDB {duckdb.__version__}."


if __name__ == "__main__":
    sys.exit(main())
