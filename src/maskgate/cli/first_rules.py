"""Proposes first rules for tables, from the names of columns and a sample of their cells.

* What is recognised as naming a person is dropped, tokenized or masked.
* What nobody recognised is dropped: whoever wants it writes `keep`, and so has looked at it.
* No cell of the data gets into the rules.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.detect import PEOPLE, recognize
from maskgate.methods.families import family_of
from maskgate.methods.layout import countable
from maskgate.methods.method import Domain
from maskgate.methods.registry import METHODS
from maskgate.rules.path import written_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FEW = 50
_REPEATS = 5
_OLDEST = 90
_SHIFT_DAYS = 180
_ID = re.compile(r"(?:(?P<of>.*?)[_ -]?)(?:\bid|_id|(?<=[a-z])Id|(?<=[a-z])ID|uuid|guid)", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NOT_PLAIN = frozenset({"null", "true", "false"})
_HARMLESS_IF_FEW = frozenset({"gender"})
_DROPPED = ("person_name", "national_id", "card", "iban", "street_address", "ip_address", "username")


@dataclass(frozen=True)
class Sample:
    """The first rows of a table.

    Attributes:
        name: What the rules will call the table.
        rows: Some of its rows.
        complete: Columns in which no cell of the whole table is null.
    """

    name: str
    rows: pa.Table
    complete: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """What a column could be masked with.

    Attributes:
        method: The name of the method.
        options: Its options.
        domain: Its token space.
        reason: Why, for the comment beside it.
    """

    method: str
    reason: str
    options: dict[str, Any] = field(default_factory=dict)
    domain: str | None = None

    @property
    def needs_entity(self) -> bool:
        """Whether the table must say whose row it is."""
        return METHODS[self.method].declaration.needs_entity

    def takes(self, type_: pa.DataType) -> bool:
        """Say whether the method takes columns of a type."""
        declaration = METHODS[self.method].declaration
        if family_of(type_) not in declaration.accepts:
            return False
        defaults = {each.name: each.default for each in declaration.parameters}
        domain = None if self.domain is None else Domain(self.domain, "hmac", "people")
        try:
            METHODS[self.method].configure({**defaults, **self.options}, domain).output_type(type_)
        except ValueError:
            return False
        return True

    def as_yaml(self) -> str:
        """Write the rule as the rules file has it."""
        options = {"domain": self.domain, **self.options} if self.domain else self.options
        if not options:
            return self.method
        words = ", ".join(f"{name}: {_scalar(value)}" for name, value in options.items())
        return f"{{method: {self.method}, {words}}}"


def propose_rules(samples: Iterable[Sample], year: int) -> str:
    """Write first rules as the text of a rules file.

    Args:
        samples: The tables.
        year: This year; ages above 90 are put together.
    """
    tables = {sample.name: propose_table(sample, year) for sample in samples}
    domains = sorted({rule.domain for _, rules in tables.values() for rule in rules.values() if rule.domain})
    keys = sorted(set(map(_key_of, domains)) | ({"people"} if any(entity for entity, _ in tables.values()) else set()))
    unlisted = any(not is_nameable(name) for _, rules in tables.values() for name in rules)
    return "\n".join(_lines(tables, domains, keys, unlisted=unlisted)) + "\n"


def propose_table(sample: Sample, year: int) -> tuple[str | None, dict[str, Proposal]]:
    """Propose the entity of a table, and a method for each column."""
    ids = {item.name: of for item in sample.rows.schema if (of := _id_of(item.name, sample.name))}
    entity = _entity(sample, ids)
    rules = {}
    for item, column in zip(sample.rows.schema, sample.rows.columns, strict=True):
        candidates = _candidates(item, column, ids.get(item.name), year)
        fitting = (each for each in candidates if each.takes(item.type) and (entity or not each.needs_entity))
        rules[item.name] = next(fitting, Proposal("drop", "not recognised; write `keep` if it names nobody"))
    needs_entity = any(rule.needs_entity for rule in rules.values())
    return (entity if needs_entity else None), rules


def is_nameable(name: str) -> bool:
    """Say whether the rules can name a column."""
    return name.isprintable()


def _candidates(item: pa.Field, column: pa.ChunkedArray, id_of: str | None, year: int) -> Iterator[Proposal]:
    """Give what may suit a column, best first."""
    kinds = recognize(item.name, column)
    reason = ", ".join(sorted(kind.replace("_", " ") for kind in kinds))
    for kind, proposal in _known(year):
        if kind in kinds:
            yield replace(proposal, reason=reason)
    if kinds - _HARMLESS_IF_FEW:
        yield Proposal("drop", reason)
    if id_of is not None:
        yield Proposal("token", "an identifier; the same domain joins tables", domain=id_of)
    if pa.types.is_date(item.type) or pa.types.is_timestamp(item.type):
        yield Proposal("shift_date", "a date; all dates of one entity move together", {"days": _SHIFT_DAYS})
        yield Proposal("generalize", "a date", {"to": "month"})
    if _has_few_values(column):
        yield Proposal("keep", f"{reason}; rare values may single people out" if kinds else "few different values")


def _known(year: int) -> Iterator[tuple[str, Proposal]]:
    """Give what suits each kind, what must go first; text about people goes even if it is only an e-mail address."""
    yield "free_text", Proposal("redact", "", {"with": "***"})
    for kind in _DROPPED:
        yield kind, Proposal("drop", "")
    yield "email", Proposal("token", "", domain="email")
    yield "phone", Proposal("mask", "", {"keep_last": 2})
    yield "birth_date", Proposal("generalize", "", {"to": "year", "not_before": year - _OLDEST})
    yield "postcode", Proposal("generalize", "", {"keep_first": 3})
    yield "income", Proposal("generalize", "", {"band": 10_000})


def _has_few_values(column: pa.ChunkedArray) -> bool:
    if (
        pa.types.is_nested(column.type)
        or pa.types.is_floating(column.type)
        or isinstance(column.type, pa.ExtensionType)
    ):
        return False
    different = len(countable(column.drop_null()).unique())
    return different <= _FEW and (_REPEATS * different <= len(column) or pa.types.is_boolean(column.type))


def _id_of(name: str, table: str) -> str | None:
    """Return what a column is the identifier of: ``customer`` for ``customer_id``, and for ``id`` in ``customers``."""
    match = _ID.fullmatch(name)
    if match is None or not is_nameable(name):
        return None
    of = re.sub(r"\W+", "_", match["of"].lower()).strip("_")
    return of or _singular(table.lower())


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def _entity(sample: Sample, ids: dict[str, str]) -> str | None:
    token = Proposal("token", "", domain="people")
    fit = [name for name in ids if name in sample.complete and token.takes(sample.rows.schema.field(name).type)]
    people = [name for name in fit if PEOPLE & set(ids[name].split("_"))]
    own = [name for name in fit if ids[name] == _singular(sample.name.lower())]
    return next(iter([*people, *own, *fit]), None)


def _key_of(domain: str) -> str:
    return "contact" if domain == "email" else "people"


def _lines(
    tables: dict[str, tuple[str | None, dict[str, Proposal]]], domains: list[str], keys: list[str], *, unlisted: bool
) -> Iterator[str]:
    yield "# First rules, written by `maskgate init` from the names of columns and a sample of their cells."
    yield "# They are guesses: read each line. What nobody recognised is dropped."
    yield "version: 1"
    if keys:
        yield from ("", "# References, never secrets. Keep the files away from those who get the masked data.", "keys:")
        yield from (f"  {key}: file:keys/{key}.key" for key in keys)
    if domains:
        yield from ("", "# Same domain, same value, same key: same token. `cmac` is many times faster than `hmac`, but")
        yield from ("# whoever holds the key can turn its short tokens back.", "domains:")
        for domain in domains:
            normalize = ", normalize: [trim, lower]" if domain == "email" else ""
            yield f"  {_scalar(domain)}: {{scheme: hmac, key: {_key_of(domain)}{normalize}}}"
    yield ""
    if unlisted:
        yield "# Some columns have names with signs that do not print; they are dropped."
    yield f"unlisted: {'drop' if unlisted else 'fail'}"
    yield from ("", "tables:")
    for name, (entity, rules) in tables.items():
        yield f"  {_scalar(name)}:"
        if entity is not None:
            yield f"    entity: {_scalar(written_name(entity))}"
            yield "    key: people"
        yield "    columns:"
        written = [
            (f"      {_scalar(written_name(column))}: {rule.as_yaml()}", rule.reason) for column, rule in rules.items()
        ]
        width = min(64, max(len(text) for text, _ in written))
        named = [line for column, line in zip(rules, written, strict=True) if is_nameable(column)]
        yield from (f"{text:<{width}}  # {reason}" for text, reason in named)
        yield ""


def _scalar(value: Any) -> str:
    """Write a value so that it reads back as it is."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return json.dumps(value, ensure_ascii=False)
