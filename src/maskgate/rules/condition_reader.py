"""Reads ``when:``, the tests of a case of a conditional rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.rules.conditions import Condition

if TYPE_CHECKING:
    from maskgate.rules.option_reader import OptionReader
    from maskgate.rules.strict_yaml import Located, Reader

_TESTS = ("not", "at_least", "at_most", "matches")


class ConditionReader:
    """Reads conditions.

    Args:
        reader: Collects the problems.
        options: Reads the paths of columns.
    """

    def __init__(self, reader: Reader, options: OptionReader) -> None:
        self._reader = reader
        self._options = options

    def conditions(self, where: str, located: Located) -> tuple[Condition, ...]:
        """Read tests that must all hold."""
        where = f"{where}, when"
        entries = self._reader.mapping(located, where)
        if not entries and isinstance(located.value, dict):
            self._reader.problem(
                f"{where}: a column and its value are expected here, such as {{country: DE}}.", located.line
            )
        for name, entry in entries.items():
            self._options.check_path(where, name, entry.line)
        return tuple(self._test(f'{where} "{name}"', name, entry) for name, entry in entries.items())

    def _test(self, where: str, column: str, located: Located, *, negated: bool = False) -> Condition:
        if not isinstance(located.value, dict):
            return Condition(column, self._values(where, located), negated=negated)
        fields = self._reader.mapping(located, where, _TESTS[1:] if negated else _TESTS)
        if not fields and not located.value:
            self._reader.problem(f"{where}: one of {', '.join(_TESTS)} is expected here.", located.line)
        if "not" in fields:
            self._check_alone(where, "not", located)
            return self._test(f"{where}, not", column, fields["not"], negated=True)
        if "matches" in fields:
            self._check_alone(where, "matches", located)
            return Condition(column, matches=self._pattern(where, fields["matches"]), negated=negated)
        least, most = (self._bound(where, name, fields.get(name)) for name in ("at_least", "at_most"))
        if least is not None and most is not None:
            self._check_order(where, least, most, located.line)
        return Condition(column, at_least=least, at_most=most, negated=negated)

    def _values(self, where: str, located: Located) -> tuple[str | int | float | bool | None, ...]:
        entries = located.value if isinstance(located.value, list) else [located]
        if not entries:
            self._reader.problem(f"{where}: this list is empty, and would hold for no row.", located.line)
        for entry in entries:
            if isinstance(entry.value, list | dict):
                self._reader.problem(f"{where}: a text, a number, true, false or null is expected here.", entry.line)
        return tuple(None if isinstance(entry.value, list | dict) else entry.value for entry in entries)

    def _bound(self, where: str, name: str, located: Located | None) -> float | str | None:
        if located is None:
            return None
        if isinstance(located.value, str) and located.value:
            return located.value
        return self._reader.number(located, f"{where}, {name}")

    def _pattern(self, where: str, located: Located) -> str:
        pattern = self._reader.string(located, f"{where}, matches")
        try:
            pc.match_substring_regex(pa.array([""]), pattern)
        except pa.ArrowInvalid as error:
            self._reader.problem(f"{where}: this is no RE2 pattern: {str(error).rstrip('.')}.", located.line)
        return pattern

    def _check_alone(self, where: str, name: str, located: Located) -> None:
        if len(located.value) > 1:
            self._reader.problem(f"{where}: '{name}' stands alone. Name the column in a case of its own.", located.line)

    def _check_order(self, where: str, least: float | str, most: float | str, line: int) -> None:
        texts = [each for each in (least, most) if isinstance(each, str)]
        if len(texts) == 1:
            self._reader.problem(f"{where}: two numbers are expected here, or two dates.", line)
        elif _is_beyond(least, most):
            self._reader.problem(f"{where}: nothing is at least {least} and at most {most}.", line)


def _is_beyond(least: float | str, most: float | str) -> bool:
    """Say whether nothing lies between two bounds, as far as that can be seen without a column."""
    if not isinstance(least, str) and not isinstance(most, str):
        return least > most
    try:
        first, last = (datetime.fromisoformat(str(each)) for each in (least, most))
    except ValueError:
        return False  # the type of the column says what can be compared with it
    return _in_utc(first) > _in_utc(last)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
