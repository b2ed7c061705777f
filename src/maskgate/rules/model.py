"""The rules of a dataset, as values: tables, columns, methods, domains, names of keys.

Rules hold everything spelled out: the key of a column stands with it, wherever the file put it. Two files that mean
the same have the same digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.methods.method import Domain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from maskgate.methods.method import Method
    from maskgate.methods.shape import Shape

VERSION = 1
UNLISTED = ("fail", "drop", "nullify", "keep")


@dataclass(frozen=True)
class ColumnRule:
    """What happens to one column.

    Attributes:
        method: The name of the method.
        options: Its options as the file gives them, without defaults.
        domain: The token space, for methods that have one.
        key: The name of the key, wherever it was declared: domain, column, table, or the file's only key.
    """

    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    domain: Domain | None = None
    key: str | None = None

    def build(self) -> Method:
        """Make the method, with defaults filled in."""
        from maskgate.methods.registry import METHODS  # noqa: PLC0415  the model alone needs no method

        method = METHODS[self.method]
        defaults = {each.name: each.default for each in method.declaration.parameters}
        return method.configure({**defaults, **self.options}, self.domain)

    def shape(self) -> Shape:
        """Say how every cell of the masked column looks."""
        return self.build().shape()

    def describe(self) -> str:
        """Say what happens, for people: ``generalize (to=year, not_before=1936)``."""
        details = [f"{name}={_written(value)}" for name, value in self.options.items()]
        if self.domain is not None:
            details.insert(0, f"domain={self.domain.name}, {self.domain.scheme}")
        return f"{self.method} ({', '.join(details)})" if details else self.method

    def as_json(self) -> dict[str, Any]:
        """Return the rule as JSON values."""
        named = {"domain": self.domain.name if self.domain else None, "key": self.key, "options": dict(self.options)}
        return {"method": self.method, **{name: value for name, value in named.items() if value}}


@dataclass(frozen=True)
class TableRules:
    """The rules of one table.

    Attributes:
        name: What the file calls the table.
        columns: A rule for each column.
        entity: The column that says whose row it is.
        key: The key of keyed methods without a domain, if the table names one.
    """

    name: str
    columns: Mapping[str, ColumnRule]
    entity: str | None = None
    key: str | None = None

    def shapes(self) -> Mapping[str, Shape]:
        """Say how each masked column looks, so that the gate can check it."""
        return {name: rule.shape() for name, rule in self.columns.items()}

    def key_names(self) -> frozenset[str]:
        """Return the keys that masking this table takes."""
        return frozenset(rule.key for rule in self.columns.values() if rule.key is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the rules as JSON values."""
        named = {"entity": self.entity, "key": self.key}
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
    def from_json(cls, value: Mapping[str, Any], path: Path | None = None) -> Rules:
        """Make the rules that :meth:`as_json` wrote."""
        domains = {name: Domain(name, **_domain_fields(each)) for name, each in value["domains"].items()}
        tables = {name: _table_from_json(name, each, domains) for name, each in value["tables"].items()}
        return cls(tables, dict(value["keys"]), domains, value["unlisted"], path, value["version"])


def _domain_as_json(domain: Domain) -> dict[str, Any]:
    return {
        "scheme": domain.scheme,
        "key": domain.key,
        "prefix": domain.prefix,
        "normalize": list(domain.normalize),
    }


def _domain_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "normalize": tuple(value["normalize"])}


def _table_from_json(name: str, value: Mapping[str, Any], domains: Mapping[str, Domain]) -> TableRules:
    columns = {
        column: ColumnRule(
            rule["method"],
            dict(rule.get("options", {})),
            domains[rule["domain"]] if "domain" in rule else None,
            rule.get("key"),
        )
        for column, rule in value["columns"].items()
    }
    return TableRules(name, columns, value.get("entity"), value.get("key"))


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) and not value.isidentifier() else str(value)
