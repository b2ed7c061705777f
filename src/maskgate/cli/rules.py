"""``maskgate rules``: look a rules file over before it masks anything."""

from __future__ import annotations

import json
from typing import Any

import click

from maskgate.cli.format_options import source_options
from maskgate.rules.findings import CODES


@click.group(name="rules")
def rules() -> None:
    """Check rules, and help editors with them."""


@rules.command(name="check")
@click.argument("file", metavar="RULES", type=click.Path())
@click.argument("data", required=False)
@click.option("--table", "table_name", help="What the rules call the table in DATA; by default the name of DATA.")
@click.option("--rows", type=click.IntRange(min=0), help="How many rows to reckon with, where DATA does not say.")
@click.option("--strict", is_flag=True, help="Make warnings errors.")
@click.option(
    "--allow",
    multiple=True,
    metavar="CODE",
    type=click.Choice(list(CODES)),
    help="Make a note of the warnings with this code.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@source_options
def check(
    file: str,
    data: str | None,
    table_name: str | None,
    rows: int | None,
    allow: tuple[str, ...],
    *,
    source_format: str | None,
    source_options: dict[str, Any],
    strict: bool,
    as_json: bool,
) -> int:
    """Look RULES over: what is wrong, what to think over, and what will happen to each column.

    DATA is what `maskgate mask` takes: a file, a folder of the parts of one table, a pattern, a URI; or a folder with a
    TABLE.parquet, TABLE.csv … for each table of the rules. Its columns, types and number of rows are looked at; values
    only of files without types, such as CSV, to tell their types. No value is shown.

    Exits with 2 if there are errors.
    """
    from maskgate.cli.rules_look import look_over  # noqa: PLC0415  `maskgate --help` needs no pyarrow
    from maskgate.cli.rules_shown import show  # noqa: PLC0415

    declared = {"format_name": source_format, "options": source_options}
    look = look_over(file, data, table_name, rows, declared=declared, allow=allow, strict=strict)
    if as_json:
        click.echo(json.dumps(look.as_json(), ensure_ascii=False, indent=2))
    else:
        show(look)
    return 2 if look.has_errors else 0


@rules.command(name="schema")
@click.option("--plugins", is_flag=True, help="Load the installed plugins, and say what their methods take.")
def schema(*, plugins: bool) -> None:
    """Print the JSON Schema of rules files (draft 2020-12), which editors complete and check by."""
    from maskgate.rules.json_schema import rules_schema  # noqa: PLC0415

    click.echo(json.dumps(rules_schema(plugins=plugins), ensure_ascii=False, indent=2))
