"""Measures masking beside its peers on one core of this machine, and writes the tables into `README.md`.

make bench                       everything
make bench ONLY=peers,methods    some sections
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cryptography
import methods
import numpy as np
import peers
import pyarrow as pa
import scrub
from race import Result, on_one_core
from sections import judged, with_section

if TYPE_CHECKING:
    from collections.abc import Callable

BY = "make bench"
PAGE = Path(__file__).with_name("README.md")
TEXTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "text" / "synthetic_pii_sentences.json"


def main() -> int:
    """Run the sections asked for, and write each into its place."""
    on_one_core()
    wanted = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else list(SECTIONS)
    text = PAGE.read_text(encoding="utf-8")
    for name in wanted:
        print(f"measuring {name} …", file=sys.stderr)
        table = SECTIONS[name]()
        print(table)
        text = with_section(text, name, table, BY)
    PAGE.write_text(with_section(text, "machine", machine(), BY), encoding="utf-8")
    return 0


def as_table(results: list[Result]) -> str:
    """Write results as a table."""
    rows = ["| work | rows/s | beside | ratio | must be | reached |", "|---|---:|---|---:|---:|---|"]
    for each in results:
        cells = (
            each.work,
            f"{each.rate:,.0f}",
            f"{each.beside} ({each.other:,.0f})",
            f"{each.ratio:.1f}",
            *judged(each.ratio, each.least, each.most),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def machine() -> str:
    """Say on what it was measured."""
    versions = f"Python {platform.python_version()}, pyarrow {pa.__version__}, numpy {np.__version__}"
    return f"{versions}, cryptography {cryptography.__version__}; one core, {platform.machine()}."


def quality() -> str:
    """Compare what the two engines of `scrub` find."""
    if not TEXTS.is_file():
        return "Not measured: the sentences are not beside this repository."
    rows = [
        "| kind | spans | native: recall | precision | Presidio: recall | precision |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows += [f"| {' | '.join(each)} |" for each in scrub.quality(TEXTS)]
    return "\n".join(rows)


SECTIONS: dict[str, Callable[[], str]] = {
    "peers": lambda: as_table(peers.races()),
    "methods": lambda: as_table(methods.beside_kernels()),
    "dictionaries": lambda: as_table(methods.dictionaries()),
    "scrub": lambda: as_table(scrub.speed()),
    "quality": quality,
}

if __name__ == "__main__":
    sys.exit(main())
