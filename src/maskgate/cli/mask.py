"""``maskgate mask``: mask Parquet data by a rules file."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.datasets import MaskedDataset, Progress


@click.command(name="mask")
@click.argument("rules", type=click.Path())
@click.argument("source")
@click.argument("target")
@click.option("--table", "table_name", help="What the rules call the table; by default the name of the source.")
@click.option("--workers", type=click.IntRange(1, 64), help="Threads that mask; by default one a core, up to four.")
@click.option("--json", "as_json", is_flag=True, help="Print manifest and report as one JSON document.")
def mask(rules: str, source: str, target: str, table_name: str | None, workers: int | None, *, as_json: bool) -> None:
    """Mask SOURCE by RULES into TARGET.

    SOURCE is a Parquet file, a folder of them, a pattern, or the URI of one of these. TARGET is one file if its name
    ends in .parquet, and otherwise a new folder of parts with a manifest. If anything fails, nothing is written.
    """
    from maskgate.datasets import mask_dataset  # noqa: PLC0415  `maskgate --help` needs no pyarrow
    from maskgate.rules import load_rules  # noqa: PLC0415

    with _shown_progress() as progress:
        masked = mask_dataset(
            source, target, load_rules(rules), table_name=table_name, progress=progress, workers=workers
        )
    if as_json:
        document = {"target": target, "table": masked.table["table"], "manifest": masked.manifest}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    _show_report(masked, target)


@contextmanager
def _shown_progress() -> Iterator[Callable[[Progress], None] | None]:
    """Draw a bar on stderr, if a person looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  only people need it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (TextColumn("masking {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(progress: Progress) -> None:
            bars.update(task, description=progress.table, completed=progress.rows, total=progress.total_rows)

        yield show


def _show_report(masked: MaskedDataset, target: str) -> None:
    """Say what was done to each column, in counts."""
    from rich.console import Console  # noqa: PLC0415  `--help` needs no rich
    from rich.table import Table  # noqa: PLC0415

    size = sum(file["size"] for table in masked.manifest["tables"].values() for file in table["files"])
    report = masked.report
    table = Table(box=None, pad_edge=False)
    for heading in ("column", "what was done", "nulls"):
        table.add_column(heading, justify="right" if heading == "nulls" else "left", overflow="fold")
    described: list[dict[str, Any]] = masked.table["columns"]
    for column in described:
        table.add_row(column["input"], column["description"], f"{report.columns[column['input']].nulls:,}")
    console = Console(stderr=True, highlight=False, markup=False)
    console.print(f"{report.table}: {report.rows:,} rows masked into {target}, {size:,} bytes", soft_wrap=True)
    console.print(table)
