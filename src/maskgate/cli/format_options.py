"""What format files have and get, as options of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def format_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for files that are read, and for those that are written."""
    target = click.option("--target-format", help="What format the masked files get; by default as TARGET is called.")
    return source_options(target(command))


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for files that are read."""
    for option in (
        click.option(
            "--source-option",
            "source_options",
            multiple=True,
            callback=_read,
            metavar="NAME=VALUE",
            help="What is declared of the source: delimiter=';', encoding=latin-1, types.zip=string.",
        ),
        click.option("--source-format", help="What format the files have; by default as their names say."),
    ):
        command = option(command)
    return command


def _read(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """Read options; ``types.zip=string`` is the type of a column."""
    found: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"'{each}' is no option. Write NAME=VALUE.")
        if name.startswith("types."):
            found.setdefault("types", {})[name.removeprefix("types.")] = value
        elif name in {"nulls", "quoted"}:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found
