"""The rules language as JSON Schema, for completion in editors; made from what the methods declare.

What it refuses the reader refuses as well. What needs more than the place itself to
see (a key that is not declared, a column that stands twice, a test in the last case) is left to the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.methods.method import Kind
from maskgate.methods.registry import METHODS, find_method, method_names
from maskgate.rules.domain_reader import FORMATS, NORMALIZERS, SCHEMES
from maskgate.rules.model import UNLISTED, VERSION
from maskgate.rules.rule import ON_INVALID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.methods.method import Declaration, Method, Parameter

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}
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
        "$defs": {
            "domain": _domain(),
            "table": _table(),
            "column": _column(methods, words),
            "case": _case(methods, words),
            "test": _test(),
            **{f"method.{each.name}": _method(each) for each in methods},
        },
    }


def _top() -> dict[str, Any]:
    return {
        "version": {"const": VERSION, "description": "The version of this language."},
        "include": {
            **_one_or_several(_TEXT),
            "description": "Files beside this one that declare keys and domains for several rules files.",
        },
        "keys": {
            "description": "The name of each key and where it is. The key itself never stands here.",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_.-]{0,99}$"},
            "additionalProperties": {
                "type": "string",
                "pattern": r"^[a-z][a-z0-9_+.-]*:\S(.*\S)?$",
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
            "propertyNames": {"pattern": r"^(?!.*\.\.)\w([\w .-]{0,98}[\w-])?$"},
            "additionalProperties": {"$ref": "#/$defs/table"},
        },
    }


def _domain() -> dict[str, Any]:
    of_fpe = dict.fromkeys(("alphabet", "digits", "luhn"), False)
    not_of_fpe = dict.fromkeys(("format", "length"), False)
    return {
        "type": "object",
        "required": ["scheme"],
        "additionalProperties": False,
        "properties": {
            "scheme": {"anyOf": [{"const": name, "description": _SCHEMES[name]} for name in SCHEMES]},
            "key": {**_TEXT, "description": "The name of the key; needed where the file declares several."},
            "prefix": {**_TEXT, "description": "Text before every token; {version} is the version of the key."},
            "normalize": {
                "type": "array",
                "items": {"enum": list(NORMALIZERS)},
                "description": "What is done to a text before it is tokenized, in this order.",
            },
            "scope": {**_TEXT, "description": "Whom the tokens are for: another scope has other tokens."},
            "format": {"enum": list(FORMATS), "description": "How a token is written."},
            "length": {"type": "integer", "minimum": 1, "description": "Characters of a token without its prefix."},
            "alphabet": {
                **_TEXT,
                "default": "digits",
                "description": "What values are made of: digits, letters, lowercase, uppercase, alphanumeric, "
                "hexadecimal, or the characters themselves.",
            },
            "digits": {"type": "integer", "minimum": 1, "description": "How many digits an integer has."},
            "luhn": {
                "type": "boolean",
                "default": False,
                "description": "Whether the last digit is a Luhn check digit, before and after.",
            },
        },
        "if": {"properties": {"scheme": {"const": "fpe"}}, "required": ["scheme"]},
        "then": {"properties": not_of_fpe},
        "else": {"properties": of_fpe},
    }


_SCHEMES = {
    "hmac": "HMAC-SHA256: one-way, also for the key holder, as far as values cannot be guessed.",
    "cmac": "AES-CMAC: fast; the key holder can invert values of up to 16 bytes.",
    "encrypt": "AES-SIV: the key holder decrypts; the length of the value shows.",
    "fpe": "NIST FF1: a token looks like its value; the key holder decrypts.",
}


def _table() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["columns"],
        "additionalProperties": False,
        "properties": {
            "entity": {**_TEXT, "description": "The column that says whose row it is: it keys date shifts and noise."},
            "key": {**_TEXT, "description": "The key of the methods that need one and have no domain."},
            "columns": {
                "description": "What happens to each column: email, address.street, contacts[].email, *_note.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"minLength": 1},
                "additionalProperties": {"$ref": "#/$defs/column"},
            },
            "check": {
                "description": "What must hold of the masked table; otherwise nothing is written.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "unique": {
                        "type": "array",
                        "items": _TEXT,
                        "description": "Columns in which no value may stand twice.",
                    },
                    "no_value_survives": {
                        "type": "array",
                        "items": _TEXT,
                        "description": "Columns of which no original value of at least 4 bytes may come out: as a "
                        "whole cell of any column, or inside of a text of the same row.",
                    },
                },
            },
        },
    }


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
    cases = {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/case"}}
    return {"anyOf": [*_named(words), _NAME_OF_PLUGIN, alone, cases]}


def _case(methods: Iterable[Declaration], words: Iterable[Declaration]) -> dict[str, Any]:
    # A column is dropped for all rows or for none.
    case = _by_method(each for each in methods if each.name != "drop")
    case["properties"]["when"] = {
        "description": "On which rows: tests of original values of other columns, which must all hold. The last case "
        "has none.",
        "type": "object",
        "minProperties": 1,
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
    bound = {"type": ["string", "number"]}
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
                "properties": {"matches": {**_TEXT, "description": "An RE2 pattern that is found in the text."}},
            },
        ],
    }
    negated = {"type": "object", "required": ["not"], "additionalProperties": False, "properties": {"not": alone}}
    return {"anyOf": [alone, negated]}


def _method(declaration: Declaration) -> dict[str, Any]:
    """Say what stands beside a method."""
    properties: dict[str, Any] = {"method": {"const": declaration.name}, "when": True}
    schema: dict[str, Any] = {"type": "object", "description": declaration.summary, "additionalProperties": False}
    required = [each.name for each in declaration.parameters if each.required]
    if declaration.needs_domain or declaration.takes_domain:
        properties["domain"] = {**_TEXT, "description": "The token space, out of `domains:`."}
    if declaration.needs_domain:
        required.insert(0, "domain")
    elif declaration.needs_key:
        properties["key"] = {**_TEXT, "description": "The key, out of `keys:`; by default that of the table."}
        if declaration.takes_domain:
            schema["not"] = {"required": ["domain", "key"]}
    properties["on_invalid"] = {
        "enum": list(ON_INVALID),
        "default": ON_INVALID[0],
        "description": "What happens to values that the method cannot take.",
    }
    properties |= {each.name: _parameter(each) for each in declaration.parameters}
    return {**schema, "properties": properties, **({"required": required} if required else {})}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = {**_of_kind(parameter), "description": parameter.description}
    default = parameter.default
    return (
        schema if default is None else {**schema, "default": list(default) if isinstance(default, tuple) else default}
    )


def _of_kind(parameter: Parameter) -> dict[str, Any]:
    number = _bounded({"type": "number"}, parameter)
    words = {"enum": list(parameter.choices)}
    by_kind: dict[Kind, dict[str, Any]] = {
        Kind.INTEGER: _bounded({"type": "integer"}, parameter),
        Kind.NUMBER: number,
        Kind.NUMBERS: _one_or_several(number),
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.CHOICE: words,
        Kind.CHOICES: _one_or_several(words),
        Kind.STRING: {"type": "string"},
        Kind.STRINGS: _one_or_several({"type": "string"}),
        Kind.COLUMNS: _one_or_several(_TEXT),
        Kind.FILE: {**_TEXT, "description": "A file in the folder of this one, or below."},
        Kind.MATRIX: {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": number},
        },
    }
    return by_kind[parameter.kind]


def _bounded(schema: dict[str, Any], parameter: Parameter) -> dict[str, Any]:
    bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
    return {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _one_or_several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "minItems": 1, "items": schema}]}
