"""Makes the plan of what has a rule: its methods against its type, and what they look at beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.errors import UsageError
from maskgate.masking.bare_schema import bare_type, holds_extension
from maskgate.masking.column_plan import CasePlan, ColumnPlan, shown
from maskgate.masking.frames import find_reference
from maskgate.masking.plugin_process import OwnProcessMethod, is_plugin
from maskgate.masking.row_test import RowTest
from maskgate.methods.families import EVERY_FAMILY, family_of, value_type
from maskgate.methods.method import Family
from maskgate.methods.registry import METHODS
from maskgate.rules.path import ELEMENTS
from maskgate.rules.rule import ConditionalRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.keys import KeyRing
    from maskgate.masking.frames import Reference
    from maskgate.methods.method import Method
    from maskgate.rules.conditions import Condition
    from maskgate.rules.model import TableRules
    from maskgate.rules.path import Path
    from maskgate.rules.rule import AnyRule, ColumnRule

# What `keep` can be written as, where other cases of the rule give text.
_WRITABLE = (Family.STRING, Family.INTEGER, Family.DATE, Family.NULL)


@dataclass(eq=False)
class LeafPlanner:
    """Plans one column, and collects what does not fit.

    Attributes:
        table: The rules of the table.
        schema: The schema of the data.
        keys: The keys that the rules refer to.
        path: Where the column is.
        type: What it holds, opened.
        is_key: Whether it holds the keys of a map.
        problems: What does not fit.
    """

    table: TableRules
    schema: pa.Schema
    keys: KeyRing
    path: Path
    type: pa.DataType
    is_key: bool = False
    problems: list[str] = field(default_factory=list)

    def plan(self, rule: AnyRule, *, is_listed: bool) -> ColumnPlan | None:
        """Return the plan; None if something does not fit."""
        kind = self._type_for(rule)
        whens = [case.when for case in rule.cases] if isinstance(rule, ConditionalRule) else [()]
        made = [self._case(each, when, kind) for each, when in zip(rule.rules(), whens, strict=True)]
        cases = [case for case, _ in made if case is not None]
        if self.problems or len(cases) < len(made):
            return None
        output = self._one_type(cases, [output for _, output in made], kind)
        if self.problems:
            return None
        name = str(self.path)
        return ColumnPlan(
            name,
            None if output is None else name,
            None if output is None else bare_type(output),
            rule,
            tuple(cases),
            is_listed,
            _facts([case.method for case in cases]),
        )

    def _type_for(self, rule: AnyRule) -> pa.DataType:
        """Return what the methods get: the values, where cells of different cases stand in one column."""
        mixes = isinstance(rule, ConditionalRule) or any(each.on_invalid == "redact" for each in rule.rules())
        if not mixes or pa.types.is_nested(self.type):
            return self.type
        kind = value_type(self.type)
        if pa.types.is_string_view(kind):
            return pa.large_string()
        return pa.large_binary() if pa.types.is_binary_view(kind) else kind

    def _case(
        self, rule: ColumnRule, when: tuple[Condition, ...], kind: pa.DataType
    ) -> tuple[CasePlan | None, pa.DataType | None]:
        try:
            method = rule.build()
        except UsageError as error:
            self._problem(str(error), kind)
            return None, None
        output = self._output(method, rule, kind)
        declaration = method.declaration
        tests = tuple(test for condition in when if (test := self._test(condition)) is not None)
        entity = self._of_row(self.table.entity) if declaration.needs_entity else None
        row_key = self._of_row(self.table.row_key) if declaration.whole_table and not self._is_inside_list() else None
        reads = {name: found for name in method.reads() if (found := self._read(method, name)) is not None}
        key = None if rule.key is None else self.keys.get(rule.key)
        at_work = OwnProcessMethod(rule, method) if is_plugin(rule.method) else method
        return CasePlan(rule, at_work, key, tests, entity, reads, row_key), output

    def _output(self, method: Method, rule: ColumnRule, kind: pa.DataType) -> pa.DataType | None:
        declaration = method.declaration
        if family_of(kind) not in declaration.accepts:
            taken = ", ".join(sorted(family.value for family in declaration.accepts))
            self._problem(f"'{declaration.name}' takes {taken}. {_instead(family_of(kind))}", kind)
            return None
        try:
            output = method.output_type(kind)
        except ValueError as error:
            said = f"{str(error).rstrip('.')}."
            self._problem(said if f"'{declaration.name}'" in said else f"'{declaration.name}': {said}", kind)
            return None
        if output is not None and holds_extension(output):
            self._problem("an extension type inside a column is not taken. Drop the column, or convert it first.", kind)
        if rule.on_invalid == "redact" and output is not None and family_of(output) is not Family.STRING:
            self._problem(
                f"`on_invalid: redact` writes a text, and '{declaration.name}' gives {shown(output)}. "
                "Write `on_invalid: nullify`.",
                kind,
            )
        if self.is_key and (rule.method == "nullify" or rule.on_invalid == "nullify"):
            self._problem("the key of a map cannot be null. Choose another method, or drop keys and values.", kind)
        return output

    def _one_type(
        self, cases: list[CasePlan], outputs: list[pa.DataType | None], kind: pa.DataType
    ) -> pa.DataType | None:
        """Return the type that the cells of all cases have."""
        if len(cases) == 1:
            return outputs[0]
        given = [output for case, output in zip(cases, outputs, strict=True) if not case.adapts()]
        if not given:
            return kind
        kept = any(case.rule.method == "keep" for case in cases)
        if all(family_of(each) is Family.STRING for each in given):
            large = any(pa.types.is_large_string(each) for each in [*given, *([kind] if kept else [])])
            common = pa.large_string() if large else pa.string()
            fits = not kept or family_of(kind) in _WRITABLE
        else:
            common = given[0]
            fits = len(set(given)) == 1 and (not kept or kind == common or _is_wider(common, kind))
        if not fits:
            names = ", ".join(dict.fromkeys(f"{shown(each)}" for each in [*given, *([kind] if kept else [])]))
            self._problem(
                f"its cases give {names}, and a column has one type. Choose methods that give the same.", kind
            )
        return common

    def _test(self, condition: Condition) -> RowTest | None:
        try:
            return RowTest.make(condition, find_reference(condition.column, self.schema, self.path))
        except ValueError as error:
            self.problems.append(f'column "{self.path}", when "{condition.column}": {_sentence(error)}')
            return None

    def _of_row(self, column: str | None) -> Reference | None:
        try:
            return None if column is None else find_reference(column, self.schema, self.path)
        except ValueError:
            return None  # said once for the table

    def _is_inside_list(self) -> bool:
        """Say whether a row may have many cells here, which no key of rows tells apart."""
        return ELEMENTS in self.path.steps

    def _read(self, method: Method, name: str) -> Reference | None:
        try:
            found = find_reference(name, self.schema, self.path)
            if found.is_at(self.path):
                raise ValueError("that is the column itself. Name another one")  # noqa: TRY301  one message for all
            method.check_other(found.type)
        except ValueError as error:
            looks = f"'{method.declaration.name}' looks at \"{name}\""
            self.problems.append(f'column "{self.path}": {looks}: {_sentence(error)}')
            return None
        return found

    def _problem(self, message: str, kind: pa.DataType) -> None:
        self.problems.append(f'column "{self.path}" ({shown(kind)}){":" if message[0] != "," else ""} {message}')


def _instead(family: Family) -> str:
    """Say what takes a family of types, beside what takes every one and leaves all or nothing of it."""
    others = [
        name
        for name, method in METHODS.items()
        if family in method.declaration.accepts and method.declaration.accepts != EVERY_FAMILY
    ]
    known = f"Methods for {family.value}: {', '.join(sorted(others))}" if others else "Choose drop, nullify or redact"
    return f"{known}; or convert the column first."


def _is_wider(common: pa.DataType, kept: pa.DataType) -> bool:
    floating = pa.types.is_floating(common) and pa.types.is_floating(kept)
    return floating and int(common.bit_width) > int(kept.bit_width)


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text if text.endswith((".", "?")) else f"{text}."


def _facts(methods: list[Method]) -> Mapping[str, Any]:
    """Put together what the methods of all cases want said; the greatest epsilon counts."""
    found: dict[str, list[Any]] = {}
    for method in methods:
        for name, value in method.facts().items():
            said = found.setdefault(name, [])
            if value not in said:
                said.append(value)
    spent = {"epsilon": max(found.pop("epsilon"))} if "epsilon" in found else {}
    return {name: said[0] if len(said) == 1 else said for name, said in found.items()} | spent
