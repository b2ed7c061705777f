"""``maskgate keys``: make keys."""

from __future__ import annotations

from pathlib import Path

import click

from maskgate.cli.key_file import check_key_name, write_key_file


@click.group(name="keys")
def keys() -> None:
    """Make keys."""


@keys.command(name="new")
@click.argument("name")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; by default keys/NAME.key.",
)
def new(name: str, path: Path | None) -> None:
    """Make the key NAME, 32 random bytes, in a file that only you can read.

    Prints the reference to write under `keys:` in a rules file that lies in this folder.
    """
    check_key_name(name)
    place = path or Path("keys", f"{name}.key")
    write_key_file(place)
    click.echo(f"{name}: file:{place}")
    click.echo("Keep a copy where your secrets are: without it, no further token will match.", err=True)
