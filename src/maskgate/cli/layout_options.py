"""How masked files are laid out, as options of a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.datasets import Layout

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_BYTES = re.compile(r"(\d{1,15})\s*([KMGT]I?|)B?", re.IGNORECASE)


class _Bytes(click.ParamType[int]):
    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _BYTES.fullmatch(str(value).strip())
        count = 0 if found is None else int(found[1]) * _UNITS[found[2].upper()]
        if count < 1:
            self.fail(f"'{value}' is no number of bytes. Write 500MB or 2GiB, for example.", param, ctx)
        return count


BYTES = _Bytes()


def layout_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options."""
    for option in reversed(
        (
            click.option("--file-size", type=BYTES, help="About how large a part gets; 512MiB by default."),
            click.option("--row-group-size", type=click.IntRange(1, 1 << 24), help="Rows encoded together."),
            click.option(
                "--compression",
                help="A codec, with a level if you like: zstd, zstd:9, snappy, none; text goes by the target's name.",
            ),
            click.option("--plain-encodings", is_flag=True, help="Write Parquet for readers of its first version."),
        )
    ):
        command = option(command)
    return command


def layout_of(
    *, file_size: int | None, row_group_size: int | None, compression: str | None, plain_encodings: bool
) -> Layout:
    """Return the layout that the options ask for."""
    from maskgate.datasets import Layout  # noqa: PLC0415  `maskgate --help` needs no pyarrow

    codec, _, level = (compression or "").partition(":")
    if level and not level.isdecimal():
        raise click.BadParameter(f"'{level}' is no level. Write zstd:3, for example.", param_hint="--compression")
    return Layout(
        file_bytes=file_size or Layout.file_bytes,
        row_group_rows=row_group_size,
        compression=codec or None,
        compression_level=int(level) if level else None,
        encodings="plain" if plain_encodings else "compact",
    )
