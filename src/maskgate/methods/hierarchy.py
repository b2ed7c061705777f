"""Hierarchies of values, as ARX writes them: a file with a line for each value, and behind it what stands for it.

    Bachelors;Undergraduate;Higher education;*
    Masters;Graduate;Higher education;*

The first field is a value of the column, the second stands for it at level 1, and so on. Fields are parted by
semicolons or commas, and may be quoted as in any CSV file. There is no heading.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.methods.numbers import integers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_DELIMITERS = ";,"
# Integers that lie so close are looked up in a table of all numbers in between.
_DENSE = 65_536
_NOT_THERE = -1


@dataclass(frozen=True)
class Hierarchy:
    """One level of a hierarchy.

    Attributes:
        originals: The values of the first field.
        labels: For each, what stands for it at the level.
    """

    originals: tuple[str, ...] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)

    @classmethod
    def read(cls, file: Mapping[str, str], level: int) -> Self:
        """Read one level of a file.

        Args:
            file: Its ``file`` name and ``content``.
            level: From 1 up.

        Raises:
            ValueError: If it is no hierarchy, or has no such level; the message names lines, no values.
        """
        name, lines = file["file"], _lines(file["file"], file["content"])
        levels = len(lines[0][1]) - 1
        if level > levels:
            raise ValueError(f"{name} has {levels} levels, so there is no `level: {level}`")
        first_lines: dict[str, tuple[int, list[str]]] = {}
        for number, fields in lines:
            earlier, same = first_lines.setdefault(fields[0], (number, fields))
            if same != fields:
                raise ValueError(f"{name}, line {number}: the value of line {earlier} again, with other levels")
        chosen = [fields for _, fields in first_lines.values()]
        return cls(tuple(fields[0] for fields in chosen), tuple(fields[level] for fields in chosen))

    def names(self) -> tuple[str, ...]:
        """Return what may come out, each once."""
        return tuple(dict.fromkeys(self.labels))

    def label(self, values: pa.Array) -> pa.Array:
        """Return what stands for each value of a plain column; null where the file does not have it."""
        kind = pa.large_string() if pa.types.is_large_string(values.type) else pa.string()
        if pa.types.is_integer(values.type):
            return pc.take(self._names.cast(kind), self._places_of_integers(values), boundscheck=False)
        found = pc.index_in(values, value_set=pa.array(self.originals, values.type))
        return pc.take(self._names.cast(kind), pc.take(self._places, found, boundscheck=False), boundscheck=False)

    @cached_property
    def _names(self) -> pa.Array:
        return pa.array(self.names(), pa.string())

    @cached_property
    def _places(self) -> pa.Array:
        """For each line, which of the names stands there."""
        return pc.index_in(pa.array(self.labels, pa.string()), value_set=self._names)

    @cached_property
    def _integers(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """The values that are written as integers are, and which of the names stands for each."""
        lines = [(number, line) for line, text in enumerate(self.originals) if (number := _integer(text)) is not None]
        numbers = np.array([number for number, _ in lines], np.int64)
        return numbers, self._places.to_numpy().take([line for _, line in lines]) if lines else np.zeros(0, np.int32)

    def _places_of_integers(self, values: pa.Array) -> pa.Array:
        numbers, places = self._integers
        if len(numbers) == 0 or int(numbers.max()) - int(numbers.min()) > _DENSE:
            fits = np.iinfo(values.type.to_pandas_dtype())
            held = (numbers >= fits.min) & (numbers <= fits.max)
            found = pc.index_in(values, value_set=pa.array(numbers[held]).cast(values.type))
            return pc.take(pa.array(places[held], pa.int32()), found, boundscheck=False)
        # One place before the least number and one after the greatest stand for all that are further out.
        least, most = int(numbers.min()), int(numbers.max())
        table = np.full(most - least + 3, _NOT_THERE, np.int32)
        table[numbers - least + 1] = places
        cells, limits = integers_of(values), np.iinfo(values.type.to_pandas_dtype())
        within = np.clip(cells, max(least - 1, int(limits.min)), min(most + 1, int(limits.max)))
        found = table.take(within.astype(np.int64) - (least - 1))
        absent = found == _NOT_THERE
        valid = validity(values)
        if valid is not None:
            absent |= ~valid
        return pa.array(found, mask=absent if absent.any() else None)


def _lines(name: str, content: str) -> list[tuple[int, list[str]]]:
    """Return the fields of each line that is not empty, and its number, by the delimiter that fits.

    Raises:
        ValueError: If lines have different numbers of fields, or no levels.
    """
    content = content.removeprefix("\ufeff")
    if not content.strip("\r\n"):
        raise ValueError(f"{name} is empty")
    problems = []
    for delimiter in _DELIMITERS:
        try:
            return _parted(name, content, delimiter)
        except _UnfitError as error:
            problems.append(error)
    raise ValueError(str(max(problems, key=lambda error: error.fields)))


class _UnfitError(ValueError):
    """A delimiter does not part the lines into equally many fields, at least two."""

    def __init__(self, problem: str, fields: int) -> None:
        super().__init__(problem, fields)
        self.problem, self.fields = problem, fields

    def __str__(self) -> str:
        return self.problem


def _parted(name: str, content: str, delimiter: str) -> list[tuple[int, list[str]]]:
    # Not by splitlines(), which splits at more than ends a line of CSV.
    reader = csv.reader(StringIO(content, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        lines.extend((reader.line_num, fields) for fields in reader if fields)
    except csv.Error:
        problem = f"{name}, line {reader.line_num}: quotes do not match, or a field is too long"
        raise _UnfitError(problem, len(lines[0][1]) if lines else 1) from None
    width = len(lines[0][1])
    odd = next((number for number, fields in lines if len(fields) != width), None)
    if odd is not None:
        raise _UnfitError(f"{name}, line {odd}: every line needs as many fields as the first, which has {width}", width)
    if width == 1:
        raise _UnfitError(
            f"{name} has no levels: write each value, and behind it, parted by `;`, what stands for it", 0
        )
    return lines


def _integer(text: str) -> int | None:
    """Return the int64 of which a text is the shortest decimal."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or str(int(text)) != text:
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
