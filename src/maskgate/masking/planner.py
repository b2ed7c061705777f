"""Finds for each column of a schema, and for what is inside of nested ones, the rule that it falls under."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.masking.column_plan import shown
from maskgate.masking.leaf_planner import LeafPlanner
from maskgate.masking.nodes import Leaf, Lists, Map, Struct
from maskgate.methods.nesting import element_type, is_list, relaxed_type
from maskgate.methods.opening import opened_type
from maskgate.rules.claims import Claims, flat_names, into_elements, into_field
from maskgate.rules.path import ELEMENTS, Path
from maskgate.rules.rule import ColumnRule
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.keys import KeyRing
    from maskgate.masking.nodes import Node
    from maskgate.rules.claims import Claim
    from maskgate.rules.model import Rules, TableRules
    from maskgate.rules.path import Step
    from maskgate.rules.rule import AnyRule

_ENTRY = ["key", "value"]
# Whoever has more problems than this has the wrong file, and near names take long to find among many.
_MOST_SUGGESTIONS = 20
# What YAML takes for a key without quotes.
_READS_AS_ITSELF = re.compile(r"(?!null$|Null$|NULL$)\w(?:[\w .\[\]-]*[\w\]])?")


@dataclass(frozen=True)
class _Place:
    """A column, or something inside of one, and the rules that concern it.

    Attributes:
        path: Where it is.
        type: What it holds, opened.
        claims: The rules on it and inside of it.
        around: Patterns that claim what is around it as a whole.
        is_key: Whether it holds the keys of a map.
    """

    path: Path
    type: pa.DataType
    claims: tuple[Claim[AnyRule], ...]
    around: tuple[Claim[AnyRule], ...] = ()
    is_key: bool = False

    @property
    def exact(self) -> list[Claim[AnyRule]]:
        """The rules that name it, and what is in it, as a whole."""
        return [claim for claim in self.claims if claim.is_here and not claim.is_pattern]

    @property
    def patterns(self) -> tuple[Claim[AnyRule], ...]:
        """The patterns that it fits as a whole."""
        return (*(claim for claim in self.claims if claim.is_here and claim.is_pattern), *self.around)

    @property
    def inside(self) -> tuple[Claim[AnyRule], ...]:
        """The rules on what is inside; patterns only if they fit something there."""
        return tuple(
            claim
            for claim in self.claims
            if not claim.is_here and (not claim.is_pattern or _reaches(claim.rest, self.type))
        )


@dataclass(eq=False)
class Planner:
    """Plans the columns of one table, and collects what does not fit.

    Attributes:
        rules: The rules.
        table: Those of the table.
        schema: The schema of the data.
        keys: The keys that the rules refer to.
        problems: What does not fit.
    """

    rules: Rules
    table: TableRules
    schema: pa.Schema
    keys: KeyRing
    problems: list[str] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)

    def columns(self) -> dict[str, Node]:
        """Plan every column of the schema; those with problems are left out."""
        planned = {}
        rules = Claims(self.table.columns, flat_names(self.schema.names, self._is_nested))
        for item in {item.name: item for item in self.schema}.values():
            node = self._node(_Place(Path.of(item.name), opened_type(item.type), rules.on(item.name)))
            if node is not None:
                planned[item.name] = node
        self._note_unused()
        return planned

    @cached_property
    def _nested(self) -> frozenset[str]:
        return frozenset(item.name for item in self.schema if _holds_others(opened_type(item.type)))

    def _is_nested(self, name: str) -> bool:
        return name in self._nested

    def _node(self, place: _Place) -> Node | None:
        self._used.update(claim.written for claim in place.claims if claim.is_here)
        exact, inside, patterns = place.exact, place.inside, place.patterns
        if exact and inside:
            self._refuse(inside, f'so has "{exact[0].written}" as a whole. Take one of them out')
            return None
        if inside:
            return self._descend(place)
        if not exact and len(patterns) > 1:
            written = " and ".join(f'"{claim.written}"' for claim in patterns)
            self.problems.append(
                f'column "{place.path}" fits {written}, and nobody can say which counts. '
                "Give it a rule of its own, by its name."
            )
            return None
        return self._leaf(place, next(iter([*exact, *patterns]), None))

    def _leaf(self, place: _Place, claim: Claim[AnyRule] | None) -> Node | None:
        if claim is None and self.rules.unlisted == "fail":
            name = str(place.path)
            written = name if _READS_AS_ITSELF.fullmatch(name) else json.dumps(name, ensure_ascii=False)
            self.problems.append(
                f'column "{name}" ({shown(place.type)}) is not covered by any rule. '
                f"Add a rule, or write `{written}: keep`."
            )
            return None
        rule = ColumnRule(self.rules.unlisted) if claim is None else claim.rule
        kind = relaxed_type(place.type)
        leaf = LeafPlanner(self.table, self.schema, self.keys, place.path, kind, is_key=place.is_key)
        planned = leaf.plan(rule, is_listed=claim is not None)
        self.problems += leaf.problems
        return None if planned is None else Leaf(planned)

    def _descend(self, place: _Place) -> Node | None:
        path, kind, inside = place.path, place.type, place.inside
        if pa.types.is_struct(kind):
            return self._struct(place)
        if not _holds_others(kind):
            self._refuse(inside, f"`{path}` ({shown(kind)}) has nothing inside. Write a rule for `{path}` itself")
            return None
        for claim in inside:
            if claim.rest[0] != ELEMENTS:
                a = "a map" if pa.types.is_map(kind) else "a list"
                meant = Path((*path.elements.steps, *claim.rest))
                self._refuse([claim], f"`{path}` is {a}. For what is in it, write `{meant}`")
        claims = into_elements(inside)
        if not claims:
            return None
        if pa.types.is_map(kind):
            return self._map(place, claims)
        elements = self._node(_Place(path.elements, opened_type(kind.value_type), claims, place.patterns))
        return None if elements is None else Lists.of(kind, elements)

    def _struct(self, place: _Place) -> Node | None:
        names = [item.name for item in place.type]
        if len(set(names)) < len(names):
            self._refuse(place.inside, f"`{place.path}` has two fields of one name. Rename one of them")
            return None
        fields = self._fields(place, place.inside, names)
        planned = [node for node in fields if node is not None]
        return Struct.of(names, planned) if len(planned) == len(names) else None

    def _map(self, place: _Place, claims: tuple[Claim[AnyRule], ...]) -> Node | None:
        path = place.path.elements
        whole = [claim for claim in claims if claim.is_here]
        self._used.update(claim.written for claim in whole)
        if whole:
            self._refuse(whole, f"an entry of a map is a key and a value. Write `{path}.key` and `{path}.value`")
            return None
        entry = _Place(path, element_type(place.type), claims, place.patterns)
        keys, values = self._fields(entry, claims, _ENTRY)
        if keys is None or values is None:
            return None
        if (keys.type is None) != (values.type is None):
            gone = path.field("key" if keys.type is None else "value")
            self.problems.append(f'column "{gone}": a map cannot lose its keys or its values alone. Drop both.')
            return None
        return Map.of(place.type, keys, values)

    def _fields(self, place: _Place, inside: tuple[Claim[AnyRule], ...], names: list[str]) -> list[Node | None]:
        """Plan the fields of a struct, or key and value of a map."""
        for claim in inside:
            if claim.is_pattern:
                continue
            if claim.rest[0] == ELEMENTS:
                self._refuse([claim], f"`{place.path}` is a struct, and has fields. Write `{place.path}.NAME`")
            elif claim.rest[0].name not in names:
                near = did_you_mean(str(claim.rest[0].name), names)
                self._refuse([claim], f"`{place.path}` has no such field.{near}".rstrip("."))
        return [
            self._node(
                _Place(
                    place.path.field(item.name),
                    opened_type(item.type),
                    into_field(inside, item.name),
                    place.patterns,
                    is_key=names is _ENTRY and item.name == "key",
                )
            )
            for item in place.type
        ]

    def _refuse(self, claims: Iterable[Claim[AnyRule]], reason: str) -> None:
        for claim in claims:
            self._used.add(claim.written)
            self.problems.append(f'column "{claim.written}" has a rule, and {reason}{"" if reason[-1] == "?" else "."}')

    def _note_unused(self) -> None:
        rules = Claims(self.table.columns)
        unlisted = [name for name in dict.fromkeys(self.schema.names) if not rules.on(name)]
        for written in self.table.columns:
            if written in self._used:
                continue
            path = Path.parse(written)
            if path.is_pattern:
                self.problems.append(
                    f'column "{written}" has a rule, and no column of the data fits the pattern. '
                    "Take it out, or correct it."
                )
                continue
            looks = unlisted and len(self.problems) < _MOST_SUGGESTIONS
            near = did_you_mean(str(path.steps[0].name), unlisted) if looks else ""
            near = near if near.startswith(" Did") else " Take its rule out, or mask the data it was written for."
            self.problems.append(f'column "{written}" has a rule, and the data has no such column.{near}')


def _reaches(steps: tuple[Step, ...], kind: pa.DataType) -> bool:
    """Say whether steps lead somewhere inside of a type."""
    if not steps:
        return True
    step, rest = steps[0], steps[1:]
    if step == ELEMENTS:
        if pa.types.is_map(kind):
            return bool(rest) and _reaches(rest, element_type(kind))
        return is_list(kind) and _reaches(rest, opened_type(kind.value_type))
    if not pa.types.is_struct(kind):
        return False
    return any(step.fits(item.name) and _reaches(rest, opened_type(item.type)) for item in kind)


def _holds_others(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) or pa.types.is_map(kind) or is_list(kind)
