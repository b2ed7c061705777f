"""``maskgate mask``: mask data by a rules file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from maskgate.cli.arrow import load_arrow
from maskgate.cli.format_options import format_options
from maskgate.cli.layout_options import BYTES, layout_of, layout_options
from maskgate.cli.mask_ending import told_ending
from maskgate.cli.mask_progress import shown_progress

if TYPE_CHECKING:
    from maskgate.datasets import MaskedDataset


@click.command(name="mask")
@click.argument("rules", type=click.Path())
@click.argument("source")
@click.argument("target")
@click.option("--table", "table_name", help="What the rules call the table; by default the name of the source.")
@click.option("--workers", type=click.IntRange(1, 64), help="Threads that mask; by default one a core, up to four.")
@click.option("--resume", is_flag=True, help="Go on where a run into this target was interrupted.")
@click.option("--memory", type=BYTES, help="How many bytes of rows may be held at once, such as 256MB; 1GB by default.")
@layout_options
@format_options
@click.option("--query", help="Mask the rows of this query; SOURCE is a database then, as env:NAME or file:PATH.")
@click.option("--target-table", help="Write this new table; TARGET is a database then, as env:NAME or file:PATH.")
@click.option("--json", "as_json", is_flag=True, help="Print manifest and report as one JSON document.")
def mask(
    rules: str,
    source: str,
    target: str,
    table_name: str | None,
    workers: int | None,
    *,
    memory: int | None,
    resume: bool,
    as_json: bool,
    query: str | None,
    target_table: str | None,
    source_format: str | None,
    source_options: dict[str, Any],
    target_format: str | None,
    **layout: Any,
) -> None:
    """Mask SOURCE by RULES into TARGET.

    SOURCE is a file, a folder of files, a pattern, or the URI of one of these: Parquet, CSV, JSON lines, Arrow, Delta
    Lake; with --query it is a database. TARGET is one file if its name ends as that of a format does (.parquet,
    .csv.gz), and otherwise a new folder of parts with a manifest; with --target-table it is a database. If anything
    fails, nothing is there that was not there before; finished parts are kept beside TARGET for --resume.
    """
    with told_ending(target, as_json=as_json) as done:
        from maskgate.gate.without_pandas import keep_pandas_out  # noqa: PLC0415  not before it is needed

        # Twice as long as everything else would it take to load.
        keep_pandas_out()
        load_arrow()
        from maskgate.datasets import SqlQuery, SqlTable, mask_dataset  # noqa: PLC0415  --help needs no pyarrow
        from maskgate.datasets.object_store import without_credentials  # noqa: PLC0415
        from maskgate.rules import load_rules  # noqa: PLC0415

        laid_out = layout_of(**layout)
        with shown_progress(as_json=as_json) as progress:
            masked = mask_dataset(
                source if query is None else SqlQuery(source, query),
                target if target_table is None else SqlTable(target, target_table),
                load_rules(rules),
                table_name=table_name,
                progress=progress,
                workers=workers,
                layout=laid_out,
                source_format=source_format,
                source_options=source_options,
                target_format=target_format,
                resume=resume,
                memory=memory,
            )
        done()
        shown = without_credentials(target)
        if as_json:
            document = {"target": shown, "table": masked.table["table"], "manifest": masked.manifest}
            click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        _show_report(masked, shown if target_table is None else f"{shown}, table {target_table}")


def _show_report(masked: MaskedDataset, target: str) -> None:
    """Say what was done to each column, in counts."""
    files = [file for table in masked.manifest["tables"].values() for file in table["files"]]
    report = masked.report
    described: list[dict[str, Any]] = masked.table["columns"]
    rows = [("column", "what was done", "nulls")]
    rows += [
        (column["input"], column["description"], f"{report.columns[column['input']].nulls:,}") for column in described
    ]
    first, second, third = (max(len(row[at]) for row in rows) for at in range(3))
    size = f", {sum(file['size'] for file in files):,} bytes" if files else ""
    parts = f" in {len(files)} files" if len(files) > 1 else ""
    click.echo(f"{report.table}: {report.rows:,} rows masked into {target}{size}{parts}", err=True)
    for name, done, nulls in rows:
        click.echo(f"{name:<{first}}  {done:<{second}}  {nulls:>{third}}".rstrip(), err=True)
