"""Which formats there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.datasets.formats.parquet import Parquet
from maskgate.errors import UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from maskgate.datasets.formats.format import Format

FORMATS: tuple[Format, ...] = (Parquet(),)


def format_of(name: str) -> Format | None:
    """Return the format that a file's name tells; None if it tells none."""
    lower = name.lower()
    fitting = [each for each in FORMATS if lower.endswith(each.suffixes)]
    return max(fitting, key=lambda each: max(map(len, each.suffixes)), default=None)


def format_called(name: str) -> Format:
    """Return the format that a user names.

    Raises:
        UsageError: If there is none.
    """
    names = {each.name: each for each in FORMATS}
    if name not in names:
        raise UsageError(f"there is no format '{name}', but {', '.join(names)}.{did_you_mean(name, names)}")
    return names[name]
