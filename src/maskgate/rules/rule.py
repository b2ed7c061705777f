"""What happens to one column: one method, or one of several by the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.methods.method import Domain, Kind
from maskgate.methods.registry import find_method
from maskgate.methods.shape import Shape
from maskgate.rules.conditions import Condition, conditions_as_json, conditions_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.methods.method import Method

ON_INVALID = ("fail", "nullify", "redact")
REDACTED = "***"
_LISTS = (Kind.STRINGS, Kind.VALUES, Kind.CHOICES, Kind.COLUMNS)


@dataclass(frozen=True)
class ColumnRule:
    """What happens to one column.

    Attributes:
        method: The name of the method.
        options: Its options as the file gives them, without defaults. A file that they name is there with its content.
        domain: The token space, for methods that have one.
        key: The name of the key, wherever it was declared: domain, column, table, or the file's only key.
        on_invalid: What happens to values that the method cannot take: ``fail``, ``nullify``, ``redact``.
        is_opaque: Whether the method is a plugin's that must not be loaded here, as in the gate.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    domain: Domain | None = None
    key: str | None = None
    on_invalid: str = "fail"
    is_opaque: bool = field(default=False, compare=False)

    def rules(self) -> tuple[ColumnRule, ...]:
        """Return the rule itself: there is no other case."""
        return (self,)

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods that a cell may be masked by."""
        return (self.method,)

    def build(self) -> Method:
        """Make the method, with defaults filled in.

        Raises:
            ValueError: If its options contradict each other.
            UsageError: If there is no such method here.
        """
        method = find_method(self.method, plugins=not self.is_opaque)
        if method is None:
            raise UsageError(f"the method '{self.method}' is a plugin's that is not installed or not loaded here.")
        options = {**{each.name: each.default for each in method.declaration.parameters}, **self.options}
        for each in method.declaration.parameters:
            given = options[each.name]
            if each.kind in _LISTS and given is not None and not isinstance(given, list | tuple):
                options[each.name] = [given]
        return method.configure(options, self.domain)

    def shape(self) -> Shape:
        """Say how every cell of the masked column looks; nothing, where the method must not be loaded."""
        if self.is_opaque:
            return Shape(free=True)
        shape = self.build().shape()
        return Shape(any_of=(shape, Shape(constant=REDACTED))) if self.on_invalid == "redact" else shape

    def describe(self) -> str:
        """Say what happens, for people: ``generalize (to=year, not_before=1936)``."""
        details = [f"{name}={_written(value)}" for name, value in self.options.items()]
        if self.domain is not None:
            scope = f", for {self.domain.scope}" if self.domain.scope else ""
            details.insert(0, f"domain={self.domain.name}, {self.domain.scheme}{scope}")
        if self.on_invalid != "fail":
            details.append(f"on_invalid={self.on_invalid}")
        return f"{self.method} ({', '.join(details)})" if details else self.method

    def key_names(self) -> frozenset[str]:
        """Return the key that it takes, if any."""
        return frozenset() if self.key is None else frozenset({self.key})

    def as_json(self) -> dict[str, Any]:
        """Return the rule as JSON values."""
        named = {
            "domain": self.domain.name if self.domain else None,
            "key": self.key,
            "options": dict(self.options),
            "on_invalid": None if self.on_invalid == "fail" else self.on_invalid,
        }
        return {"method": self.method, **{name: value for name, value in named.items() if value}}


@dataclass(frozen=True)
class Case:
    """One case of a conditional rule.

    Attributes:
        when: Tests that must all hold; empty for everyone else.
        rule: What happens then.
    """

    when: tuple[Condition, ...]
    rule: ColumnRule


@dataclass(frozen=True)
class ConditionalRule:
    """What happens to one column, by the row: the first case whose tests hold.

    Attributes:
        cases: In the order of the file; the last one has no test.
    """

    cases: tuple[Case, ...]

    def rules(self) -> tuple[ColumnRule, ...]:
        """Return the rule of each case."""
        return tuple(case.rule for case in self.cases)

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods that a cell may be masked by."""
        return tuple(dict.fromkeys(case.rule.method for case in self.cases))

    def shape(self) -> Shape:
        """Say how every cell of the masked column looks, whichever case it is."""
        return Shape(any_of=tuple(dict.fromkeys(rule.shape() for rule in self.rules())))

    def describe(self) -> str:
        """Say what happens, for people: ``redact when country is DE, otherwise mask (keep_last=4)``."""
        told = [
            f"{case.rule.describe()} when {' and '.join(each.describe() for each in case.when)}"
            if case.when
            else f"otherwise {case.rule.describe()}"
            for case in self.cases
        ]
        return ", ".join(told)

    def key_names(self) -> frozenset[str]:
        """Return the keys that its cases take."""
        return frozenset[str]().union(*(rule.key_names() for rule in self.rules()))

    def as_json(self) -> dict[str, Any]:
        """Return the rule as JSON values."""
        cases = [
            {**({"when": conditions_as_json(each.when)} if each.when else {}), **each.rule.as_json()}
            for each in self.cases
        ]
        return {"cases": cases}


AnyRule = ColumnRule | ConditionalRule


def rule_from_json(value: Mapping[str, Any], domains: Mapping[str, Domain], *, plugins: bool) -> AnyRule:
    """Make the rule that ``as_json`` wrote.

    Args:
        value: The JSON values.
        domains: The domains of the file.
        plugins: Whether plugins may be loaded.
    """
    if "cases" in value:
        return ConditionalRule(
            tuple(
                Case(conditions_from_json(each.get("when", {})), _column_rule(each, domains, plugins=plugins))
                for each in value["cases"]
            )
        )
    return _column_rule(value, domains, plugins=plugins)


def _column_rule(value: Mapping[str, Any], domains: Mapping[str, Domain], *, plugins: bool) -> ColumnRule:
    return ColumnRule(
        value["method"],
        dict(value.get("options", {})),
        domains[value["domain"]] if "domain" in value else None,
        value.get("key"),
        value.get("on_invalid", "fail"),
        is_opaque=not plugins and "." in value["method"],
    )


def _written(value: Any) -> str:
    if isinstance(value, dict):
        if value.keys() == {"file", "content"}:
            return _written(value["file"])
        return f"{{{', '.join(f'{_written(name)}: {_written(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return f'"{value}"' if isinstance(value, str) and not value.isidentifier() else str(value)
