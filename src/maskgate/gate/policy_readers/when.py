"""Reads ``when:`` of a policy: every key of it must hold.

* A word or a list means *one of these*; in names of tables, columns and datasets it means *some of them is one of
  these*, and ``only`` means *all of them are*.
* ``any:`` and ``not:`` hold the same keys again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.detect.column_names import DIRECT_IDENTIFIERS
from maskgate.gate.action_facts import DIVISIONS, QUANTITIES, Total
from maskgate.gate.combined_conditions import All, AnyOf, Not
from maskgate.gate.conditions import (
    Columns,
    During,
    Flag,
    Names,
    NoDestination,
    Range,
    RollingSum,
    SmallestGroup,
    Word,
)
from maskgate.gate.model import LEVELS, TRUSTS
from maskgate.gate.policy_readers.columns import read_columns
from maskgate.gate.policy_readers.time_window import read_time_window
from maskgate.gate.policy_readers.values import read_bounds, read_duration, read_words
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from maskgate.gate.conditions import Condition
    from maskgate.rules.strict_yaml import Located, Reader

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LONGEST_SUM = timedelta(days=366)
_NUMBERS = ("rows", "bytes", "shape_violations", "residual_findings", "new_columns")
_FLAGS = ("rules_loosened", "agent")
_KEYS = (
    *("action", "resource", "destination", "level", "dataset", "tables", "columns", *_NUMBERS, "k", *_FLAGS),
    *("requester", "time", "sum", "any", "not"),
)
_RANGE = ("at_least", "at_most")


@dataclass(frozen=True)
class WhenReader:
    """Reads conditions.

    Attributes:
        reader: Where problems go.
        people: Names of the people that there are.
    """

    reader: Reader
    people: Collection[str]

    def when(self, where: str, located: Located | None) -> tuple[tuple[str, ...], All]:
        """Read the condition of a policy, and the actions that it is about."""
        fields = self.reader.mapping(located, f"{where}, when", _KEYS, ("action",))
        parts = tuple(self._parts(where, fields))
        actions = (part.patterns for part in parts if isinstance(part, Word) and part.fact == "action")
        return next(actions, ()), All(parts)

    def _inner(self, where: str, located: Located) -> All:
        fields = self.reader.mapping(located, where, _KEYS)
        if isinstance(located.value, dict) and not located.value:
            self.reader.problem(f"{where}: nothing stands here, which would be true of every action.", located.line)
        return All(tuple(self._parts(where, fields)))

    def _parts(self, where: str, fields: dict[str, Located]) -> Iterator[Condition]:
        read = {
            "action": self._action,
            "resource": lambda at, entry: self._word(at, entry, "resource"),
            "level": lambda at, entry: self._word(at, entry, "level", LEVELS),
            "destination": self._destination,
            "dataset": lambda at, entry: self._names(at, entry, "datasets"),
            "tables": lambda at, entry: self._names(at, entry, "tables"),
            "columns": self._columns,
            "k": self._k,
            "requester": self._requester,
            "time": self._time,
            "sum": self._sum,
            "any": self._any,
            "not": self._not,
            **dict.fromkeys(_NUMBERS, self._range),
            **dict.fromkeys(_FLAGS, self._flag),
        }
        for name, entry in fields.items():
            yield from read[name](f"{where}, {name}", entry)

    def _action(self, where: str, entry: Located) -> Iterator[Condition]:
        actions = read_words(self.reader, where, entry)
        for action in actions:
            if action and not _ACTION.fullmatch(action):
                self.reader.problem(f"{where}: an action is a verb such as `export`.", entry.line)
        yield Word("action", actions)

    def _word(self, where: str, entry: Located, fact: str, known: Collection[str] = ()) -> Iterator[Condition]:
        yield Word(fact, read_words(self.reader, where, entry, known))

    def _destination(self, where: str, entry: Located) -> Iterator[Condition]:
        if entry.value == "none":
            yield NoDestination()
            return
        fields = self.reader.mapping(entry, where, ("id", "trust"))
        if isinstance(entry.value, dict) and not fields:
            self.reader.problem(f"{where}: write `id:` or `trust:`, or leave it out.", entry.line)
        if "id" in fields:
            yield Word("destination", read_words(self.reader, f"{where}, id", fields["id"]))
        if "trust" in fields:
            yield Word("trust", self._trusts(f"{where}, trust", fields["trust"]))

    def _trusts(self, where: str, entry: Located) -> tuple[str, ...]:
        trusts = read_words(self.reader, where, entry)
        for trust in trusts:
            if trust and trust not in TRUSTS:
                near = did_you_mean(trust, TRUSTS)
                self.reader.problem(f"{where}: there is no trust '{trust}'.{near}", entry.line)
        return trusts

    def _names(self, where: str, entry: Located, fact: str) -> Iterator[Condition]:
        if isinstance(entry.value, dict):
            fields = self.reader.mapping(entry, where, ("only",), ("only",))
            yield Names(fact, read_words(self.reader, f"{where}, only", fields.get("only")), only=True)
        else:
            yield Names(fact, read_words(self.reader, where, entry))

    def _columns(self, where: str, entry: Located) -> Iterator[Condition]:
        if not isinstance(entry.value, dict):
            yield Columns(read_words(self.reader, where, entry))
            return
        fields = self.reader.mapping(entry, where, ("name", "class", "table", "only"))
        if not fields.keys() - {"only"}:
            self.reader.problem(f"{where}: write `name:`, `class:` or `table:`.", entry.line)
        yield Columns(
            read_words(self.reader, f"{where}, name", fields.get("name")),
            read_words(self.reader, f"{where}, class", fields.get("class"), sorted(DIRECT_IDENTIFIERS)),
            read_words(self.reader, f"{where}, table", fields.get("table")),
            only=self.reader.boolean(fields.get("only"), f"{where}, only"),
        )

    def _range(self, where: str, entry: Located) -> Iterator[Condition]:
        fields = self.reader.mapping(entry, where, _RANGE)
        if isinstance(entry.value, dict):
            yield Range(where.rpartition(", ")[2], *read_bounds(self.reader, where, fields, entry.line))

    def _k(self, where: str, entry: Located) -> Iterator[Condition]:
        fields = self.reader.mapping(entry, where, (*_RANGE, "over"), ("over",))
        if isinstance(entry.value, dict):
            over = read_columns(self.reader, f"{where}, over", fields.get("over"))
            yield SmallestGroup(over, *read_bounds(self.reader, where, fields, entry.line, minimum=1))

    def _flag(self, where: str, entry: Located) -> Iterator[Condition]:
        yield Flag(where.rpartition(", ")[2], self.reader.boolean(entry, where))

    def _requester(self, where: str, entry: Located) -> Iterator[Condition]:
        if not isinstance(entry.value, dict):
            yield self._person(where, entry)
            return
        fields = self.reader.mapping(entry, where, ("person", "token", "workflow"))
        if not fields:
            self.reader.problem(f"{where}: write `person:`, `token:` or `workflow:`.", entry.line)
        for name, field in fields.items():
            if name == "person":
                yield self._person(f"{where}, person", field)
            else:
                yield Word(name, read_words(self.reader, f"{where}, {name}", field))

    def _person(self, where: str, entry: Located) -> Condition:
        names = read_words(self.reader, where, entry)
        for name in names:
            if name and not set("*?") & set(name) and name not in self.people:
                near = did_you_mean(name, tuple(self.people))
                self.reader.problem(f"{where}: '{name}' does not stand under `people:`.{near}", entry.line)
        return Word("person", names)

    def _time(self, where: str, entry: Located) -> Iterator[Condition]:
        window = read_time_window(self.reader, where, entry)
        if window is not None:
            yield During(window)

    def _sum(self, where: str, entry: Located) -> Iterator[Condition]:
        fields = self.reader.mapping(entry, where, (*QUANTITIES, "over", "per"), ("over", "per"))
        sums = [name for name in fields if name in QUANTITIES]
        if isinstance(entry.value, dict) and not sums:
            self.reader.problem(f"{where}: write what is summed: {', '.join(QUANTITIES)}.", entry.line)
        over = read_duration(
            self.reader, f"{where}, over", fields.get("over"), default=timedelta(days=1), longest=_LONGEST_SUM
        )
        per = read_words(self.reader, f"{where}, per", fields.get("per"), DIVISIONS)
        # The same division in another order, or twice, is the same sum.
        per = tuple(name for name in DIVISIONS if name in per)
        for name in sums:
            at = f"{where}, {name}"
            limits = self.reader.mapping(fields[name], at, _RANGE)
            if isinstance(fields[name].value, dict):
                yield RollingSum(Total(name, over, per), *read_bounds(self.reader, at, limits, fields[name].line))

    def _any(self, where: str, entry: Located) -> Iterator[Condition]:
        inner = self.reader.sequence(entry, where)
        if isinstance(entry.value, list) and not inner:
            self.reader.problem(f"{where}: the list is empty, so it would never hold.", entry.line)
        yield AnyOf(tuple(self._inner(f"{where} {number}", each) for number, each in enumerate(inner, start=1)))

    def _not(self, where: str, entry: Located) -> Iterator[Condition]:
        yield Not(self._inner(where, entry))
