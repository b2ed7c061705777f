"""Which formats there are."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from maskgate.datasets.formats.arrow_ipc import ArrowIpc
from maskgate.datasets.formats.compression import CODECS
from maskgate.datasets.formats.csv import Csv
from maskgate.datasets.formats.delta import Delta
from maskgate.datasets.formats.json_lines import JsonLines
from maskgate.datasets.formats.parquet import Parquet
from maskgate.errors import UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from maskgate.datasets.formats.format import Format

FORMATS: tuple[Format, ...] = (
    Parquet(),
    *(Csv(f"csv{end}", (f".csv{end}",), codec) for end, codec in CODECS.items()),
    *(Csv(f"tsv{end}", (f".tsv{end}",), codec, "\t") for end, codec in CODECS.items()),
    *(JsonLines(f"jsonl{end}", (f".jsonl{end}", f".ndjson{end}"), codec) for end, codec in CODECS.items()),
    ArrowIpc(),
    ArrowIpc("arrow-stream", (".arrows",), is_stream=True),
)


# Behind the path of a table that has versions.
_VERSION = re.compile(r"@v\d+$")
# Of no name that a file has: a table is a folder.
_TABLES: tuple[Format, ...] = (Delta(),)


def format_of(name: str) -> Format | None:
    """Return the format that a file's name tells; None if it tells none."""
    lower = name.lower()
    fitting = [each for each in FORMATS if lower.endswith(each.suffixes)]
    return max(fitting, key=lambda each: max(map(len, each.suffixes)), default=None)


def stem_of(name: str) -> str:
    """Return the last part of a path without the suffix of its format.

    Example:
        >>> stem_of("raw/customers.csv.gz"), stem_of("lake/customers@v12"), stem_of("ann@vip.csv")
        ('customers', 'customers', 'ann@vip')
    """
    last = _VERSION.sub("", PurePosixPath(name.rstrip("/")).name)
    found = format_of(last)
    suffixes = () if found is None else tuple(each for each in found.suffixes if last.lower().endswith(each))
    return last[: -max(map(len, suffixes))] if suffixes else PurePosixPath(last).stem


def format_called(name: str) -> Format:
    """Return the format that a user names.

    Raises:
        UsageError: If there is none.
    """
    names = {each.name: each for each in (*FORMATS, *_TABLES)}
    if name not in names:
        plain = [each for each in names if "." not in each]
        raise UsageError(f"there is no format '{name}'.{did_you_mean(name, plain)}")
    return names[name]
