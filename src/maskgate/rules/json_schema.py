"""The rules language as JSON Schema, for completion in editors; made from what the methods declare.

What it refuses the reader refuses as well. What needs more than the place itself to see (a key that is not declared, a
column that stands twice, options that contradict each other) is left to the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.methods.registry import METHODS, find_method, method_names
from maskgate.rules.domain_schema import domain_schema
from maskgate.rules.method_schema import ONE_COLUMN, TEXT, method_schema, one_or_several
from maskgate.rules.model import UNLISTED, VERSION
from maskgate.rules.path import path_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.methods.method import Declaration, Method

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What Python calls the characters of words, in terms of what they are not: to an editor, \w is ASCII alone.
_WORD = r"[^\x00-/:-@\[-^`{-\x7f]"
_IN_WORDS = r"[^\x00-\x1f!-,/:-@\[-^`{-\x7f]"
_TABLE_NAME = rf"^(?!.*\.\.){_WORD}({_IN_WORDS}{{0,98}}(-|{_WORD}))?$(?!\n)"
_NAME_OF_PLUGIN = {"type": "string", "pattern": r"^[^.]+\.", "description": "A method of a plugin."}


def rules_schema(*, plugins: bool = False) -> dict[str, Any]:
    """Return the schema of rules files.

    Args:
        plugins: Whether to load the plugins that are installed, and say what their methods take; without, any options
            pass for a method with a dot in its name.

    Raises:
        UsageError: If a plugin cannot be loaded.
    """
    names = method_names() if plugins else tuple(METHODS)
    found = [method for name in sorted(names) if (method := find_method(name)) is not None]
    methods, words = [each.declaration for each in found], [each.declaration for each in found if _stands_alone(each)]
    return {
        "$schema": DIALECT,
        "title": "Maskgate rules",
        "description": "What happens to each column of each table.",
        "type": "object",
        "required": ["version", "tables"],
        "additionalProperties": False,
        "properties": _top(),
        "allOf": _keys_are_named(),
        "$defs": {
            "domain": domain_schema(),
            "table": _table(),
            "column": _column(methods, words),
            "case": _case(methods, words),
            "test": _test(),
            "needs_entity": _one_of(each.name for each in methods if each.needs_entity),
            "needs_key": _needs_key(methods),
            **{f"method.{each.name}": method_schema(each) for each in methods},
        },
    }


def _top() -> dict[str, Any]:
    return {
        "version": {"const": VERSION, "description": "The version of this language."},
        "include": {
            **one_or_several(TEXT),
            "description": "Files beside this one that declare keys and domains for several rules files.",
        },
        "keys": {
            "description": "The name of each key and where it is. The key itself never stands here.",
            "type": "object",
            "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$(?!\n)"},
            "additionalProperties": {
                "type": "string",
                "pattern": r"^[a-z][a-z0-9_+.-]*:\S(.*\S)?$(?!\n)",
                "description": "A reference, such as env:NAME or file:PATH.",
            },
        },
        "domains": {
            "description": "Token spaces: same domain, same value, same key, same token.",
            "type": "object",
            "propertyNames": {"pattern": "^[^:]+$"},
            "additionalProperties": {"$ref": "#/$defs/domain"},
        },
        "unlisted": {
            "enum": list(UNLISTED),
            "default": "fail",
            "description": "What happens to a column that no rule covers.",
        },
        "tables": {
            "description": "The rules of each table.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _TABLE_NAME},
            "additionalProperties": {"$ref": "#/$defs/table"},
        },
    }


def _table() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["columns"],
        "additionalProperties": False,
        "properties": {
            "entity": {
                "type": "string",
                "pattern": path_pattern(of_one=True, of_row=True),
                "description": "The column that says whose row it is: it keys date shifts and noise.",
            },
            "row_key": {
                "type": "string",
                "pattern": path_pattern(of_one=True, of_row=True),
                "description": "A column that is unique: shuffle and swap then give the same wherever the rows stand.",
            },
            "key": {**TEXT, "description": "The key of the methods that need one and have no domain."},
            "columns": {
                "description": "What happens to each column: email, address.street, contacts[].email, *_note.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": path_pattern()},
                "additionalProperties": {"$ref": "#/$defs/column"},
            },
            "check": {
                "description": "What must hold of the masked table; otherwise nothing is written.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "unique": {
                        "type": "array",
                        "items": ONE_COLUMN,
                        "description": "Columns in which no value may stand twice.",
                    },
                    "no_value_survives": {
                        "type": "array",
                        "items": ONE_COLUMN,
                        "description": "Columns of which no original value of at least 4 bytes may come out: as a "
                        "whole cell of any column, or inside of a text of the same row.",
                    },
                },
            },
        },
        "if": {"not": {"required": ["entity"]}},
        "then": {"properties": {"columns": {"additionalProperties": {"not": {"$ref": "#/$defs/needs_entity"}}}}},
    }


def _needs_key(methods: Iterable[Declaration]) -> dict[str, Any]:
    """Say that a column has a method that takes a key, and names neither one nor a domain."""
    taking = (each.name for each in methods if each.needs_key and not each.needs_domain)
    return _one_of(taking, without=("key", "domain"))


def _one_of(names: Iterable[str], without: Iterable[str] = ()) -> dict[str, Any]:
    """Say that a column, or a case of one, has one of these methods."""
    words = {"enum": list(names)}
    rule = {"type": "object", "required": ["method"], "properties": {"method": words, **dict.fromkeys(without, False)}}
    return {"anyOf": [words, rule, {"type": "array", "contains": {"anyOf": [words, rule]}}]}


def _keys_are_named() -> list[dict[str, Any]]:
    """Say where a key must be named: everywhere, if there are several; nothing takes one, if there is none."""
    nobody = {"properties": {"columns": {"additionalProperties": {"not": {"$ref": "#/$defs/needs_key"}}}}}
    unnamed = {"if": {"not": {"required": ["key"]}}, "then": nobody}
    some = {"properties": {"keys": {"minProperties": 1}}, "required": ["keys"]}
    return [
        {
            "if": {"properties": {"keys": {"minProperties": 2}}, "required": ["keys"]},
            "then": {
                "properties": {
                    "domains": {"additionalProperties": {"required": ["key"]}},
                    "tables": {"additionalProperties": unnamed},
                }
            },
        },
        {
            "if": {"not": {"anyOf": [some, {"required": ["include"]}]}},
            "then": {"properties": {"domains": {"maxProperties": 0}, "tables": {"additionalProperties": nobody}}},
        },
    ]


def _stands_alone(method: type[Method]) -> bool:
    """Say whether a method needs nothing beside its name."""
    declaration = method.declaration
    if declaration.needs_domain or any(each.required for each in declaration.parameters):
        return False
    try:
        method.configure({each.name: each.default for each in declaration.parameters}, None)
    except ValueError:
        return False
    return True


def _column(methods: Iterable[Declaration], words: Iterable[Declaration]) -> dict[str, Any]:
    """Say what happens to a column: a word, a mapping with ``method:``, or a list of cases."""
    alone = {**_by_method(methods), "not": {"required": ["when"]}}
    has_when = {"type": "object", "required": ["when"]}
    cases = {
        "description": "Several rules; the first one counts whose `when:` holds. The last one is for everyone else.",
        "type": "array",
        "minItems": 2,
        "prefixItems": [{"$ref": "#/$defs/case", **has_when}],
        "items": {"$ref": "#/$defs/case"},
        "contains": {"not": has_when},
        "maxContains": 1,
    }
    return {"anyOf": [*_named(words), _NAME_OF_PLUGIN, alone, cases]}


def _case(methods: Iterable[Declaration], words: Iterable[Declaration]) -> dict[str, Any]:
    # A column is dropped for all rows or for none.
    case = _by_method(each for each in methods if each.name != "drop")
    case["properties"]["when"] = {
        "description": "On which rows: tests of original values of other columns, which must all hold. The last case "
        "has none.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": path_pattern(of_one=True)},
        "additionalProperties": {"$ref": "#/$defs/test"},
    }
    return {"anyOf": [*_named(each for each in words if each.name != "drop"), _NAME_OF_PLUGIN, case]}


def _named(methods: Iterable[Declaration]) -> list[dict[str, Any]]:
    return [{"const": each.name, "description": each.summary} for each in methods]


def _by_method(methods: Iterable[Declaration]) -> dict[str, Any]:
    """Say that an object has a method, and beside it what that method takes."""
    methods = list(methods)
    return {
        "type": "object",
        "required": ["method"],
        "properties": {"method": {"description": "What is done.", "anyOf": [*_named(methods), _NAME_OF_PLUGIN]}},
        "allOf": [
            {
                "if": {"properties": {"method": {"const": each.name}}, "required": ["method"]},
                "then": {"$ref": f"#/$defs/method.{each.name}"},
            }
            for each in methods
        ],
    }


def _test() -> dict[str, Any]:
    value = {"type": ["string", "number", "boolean", "null"]}
    bound = {"type": ["string", "number"], "minLength": 1, "description": "A number; a date or a moment as text."}
    alone = {
        "description": "A value, several, or a comparison. A null fits nothing but null.",
        "anyOf": [
            value,
            {"type": "array", "minItems": 1, "items": value},
            {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {"at_least": bound, "at_most": bound},
            },
            {
                "type": "object",
                "required": ["matches"],
                "additionalProperties": False,
                "properties": {"matches": {**TEXT, "description": "An RE2 pattern that is found in the text."}},
            },
        ],
    }
    properties = {"not": {**alone, "description": "Cells that have a value, and fail this test."}}
    negated = {"type": "object", "required": ["not"], "additionalProperties": False, "properties": properties}
    return {"anyOf": [alone, negated]}
