"""The rules of a dataset, as values: tables, columns, methods, domains, names of keys.

Rules hold everything spelled out: the key of a column stands with it, wherever the file put it. Two files that mean
the same have the same digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.methods.method import Domain
from maskgate.methods.shape import Shape
from maskgate.rules.conditions import Condition
from maskgate.rules.rule import AnyRule, Case, ColumnRule, ConditionalRule, rule_from_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


__all__ = ["Case", "Check", "ColumnRule", "Condition", "ConditionalRule", "Rules", "TableRules"]

VERSION = 1
UNLISTED = ("fail", "drop", "nullify", "keep")


@dataclass(frozen=True)
class Check:
    """What must hold of the masked table, or nothing of it is written.

    Attributes:
        unique: Paths of columns in which no value may stand twice.
        no_value_survives: Paths of columns of which no original value may come out, in whatever column.
    """

    unique: tuple[str, ...] = ()
    no_value_survives: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the checks as JSON values; nothing where there are none."""
        return {item.name: list(paths) for item in fields(self) if (paths := getattr(self, item.name))}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Check:
        """Make the checks that :meth:`as_json` wrote."""
        return cls(**{name: tuple(paths) for name, paths in value.items()})


@dataclass(frozen=True)
class TableRules:
    """The rules of one table.

    Attributes:
        name: What the file calls the table.
        columns: A rule for each path, or pattern of paths, as the file writes it.
        entity: The path of the column that says whose row it is.
        key: The key of keyed methods without a domain, if the table names one.
        check: What must hold of the masked table.
        row_key: The path of a column that tells all rows apart, so that their order does not matter.
    """

    name: str
    columns: Mapping[str, AnyRule]
    entity: str | None = None
    key: str | None = None
    check: Check = Check()
    row_key: str | None = None

    def shapes(self) -> Mapping[str, Shape]:
        """Say how each masked column looks, by its path as the file writes it, so that the gate can check it."""
        return {path: rule.shape() for path, rule in self.columns.items()}

    def key_names(self) -> frozenset[str]:
        """Return the keys that masking this table takes."""
        return frozenset[str]().union(*(rule.key_names() for rule in self.columns.values()))

    def as_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        named = {
            "entity": self.entity,
            "row_key": self.row_key,
            "key": self.key,
            "check": self.check.as_json(),
        }
        columns = {name: rule.as_json() for name, rule in self.columns.items()}
        return {**{name: value for name, value in named.items() if value}, "columns": columns}


@dataclass(frozen=True)
class Rules:
    """A whole rules file.

    Attributes:
        tables: The rules of each table.
        keys: Name of each key and the reference to it; never the key.
        domains: The token spaces.
        unlisted: What happens to a column without a rule: ``fail``, ``drop``, ``nullify``, ``keep``.
        path: The file they were read from; relative ``file:`` references start in its folder.
        version: Version of the file's format.
    """

    tables: Mapping[str, TableRules]
    keys: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    unlisted: str = "fail"
    path: Path | None = field(default=None, compare=False)
    version: int = VERSION

    @property
    def digest(self) -> str:
        """The digest of what the rules say, wherever they stand and however they are spelled."""
        return digest("rules", self.as_json())

    def unlisted_shape(self) -> Shape:
        """Say how a column looks that has no rule."""
        if self.unlisted == "keep":
            return Shape(free=True)
        return Shape(all_null=True) if self.unlisted == "nullify" else Shape(absent=True)

    def references(self, tables: Collection[str]) -> dict[str, str]:
        """Return the references to the keys that masking these tables takes."""
        wanted = frozenset[str]().union(*(self.tables[name].key_names() for name in tables))
        return {name: reference for name, reference in self.keys.items() if name in wanted}

    def as_json(self) -> dict[str, Any]:
        """Return the rules as JSON values; :meth:`from_json` reads them."""
        return {
            "version": self.version,
            "keys": dict(self.keys),
            "domains": {name: _domain_as_json(domain) for name, domain in self.domains.items()},
            "unlisted": self.unlisted,
            "tables": {name: table.as_json() for name, table in self.tables.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], path: Path | None = None, *, plugins: bool = False) -> Rules:
        """Make the rules that :meth:`as_json` wrote.

        Args:
            value: The JSON values.
            path: The file that the rules were read from.
            plugins: Whether methods of plugins may be loaded. The gate, which keeps rules as JSON, never does.
        """
        domains = {name: Domain(name, **_domain_fields(each)) for name, each in value["domains"].items()}
        tables = {name: _table_from_json(name, each, domains, plugins) for name, each in value["tables"].items()}
        return cls(tables, dict(value["keys"]), domains, value["unlisted"], path, value["version"])


_ALWAYS_SAID = ("scheme", "key", "prefix", "normalize")


def _domain_as_json(domain: Domain) -> dict[str, Any]:
    said = {item.name: getattr(domain, item.name) for item in fields(domain) if item.name != "name"}
    defaults = {item.name: item.default for item in fields(domain)}
    written = {name: value for name, value in said.items() if name in _ALWAYS_SAID or value != defaults[name]}
    return {**written, "normalize": list(domain.normalize)}


def _domain_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "normalize": tuple(value["normalize"])}


def _table_from_json(name: str, value: Mapping[str, Any], domains: Mapping[str, Domain], plugins: bool) -> TableRules:  # noqa: FBT001  handed on
    columns = {path: rule_from_json(rule, domains, plugins=plugins) for path, rule in value["columns"].items()}
    check = Check.from_json(value.get("check", {}))
    return TableRules(name, columns, value.get("entity"), value.get("key"), check, value.get("row_key"))
