"""What stands beside a method, as JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.methods.method import Kind
from maskgate.rules.path import path_pattern
from maskgate.rules.rule import ON_INVALID

if TYPE_CHECKING:
    from maskgate.methods.method import Declaration, Parameter

TEXT = {"type": "string", "minLength": 1}
ONE_COLUMN = {"type": "string", "pattern": path_pattern(of_one=True)}


def method_schema(declaration: Declaration) -> dict[str, Any]:
    """Say what stands beside a method."""
    properties: dict[str, Any] = {"method": {"const": declaration.name}, "when": True}
    schema: dict[str, Any] = {"type": "object", "description": declaration.summary, "additionalProperties": False}
    required = [each.name for each in declaration.parameters if each.required]
    if declaration.needs_domain or declaration.takes_domain:
        properties["domain"] = {**TEXT, "description": "The token space, out of `domains:`."}
    if declaration.needs_domain:
        required.insert(0, "domain")
    elif declaration.needs_key:
        properties["key"] = {**TEXT, "description": "The key, out of `keys:`; by default that of the table."}
        if declaration.takes_domain:
            schema["not"] = {"required": ["domain", "key"]}
    if declaration.one_of:
        schema["oneOf"] = [{"required": [name]} for name in declaration.one_of]
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
        Kind.NUMBERS: one_or_several(number),
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.CHOICE: words,
        Kind.CHOICES: one_or_several(words),
        Kind.STRING: {"type": "string"},
        Kind.STRINGS: one_or_several({"type": "string"}),
        Kind.VALUES: one_or_several({"type": ["string", "integer", "boolean"]}),
        Kind.COLUMNS: one_or_several(ONE_COLUMN),
        Kind.FILE: {**TEXT, "description": "A file in the folder of this one, or below."},
        Kind.MATRIX: {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": number},
        },
    }
    return by_kind[parameter.kind]


def _bounded(schema: dict[str, Any], parameter: Parameter) -> dict[str, Any]:
    bounds = {"minimum": parameter.minimum, "exclusiveMinimum": parameter.above, "maximum": parameter.maximum}
    return {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}


def one_or_several(schema: dict[str, Any]) -> dict[str, Any]:
    """Say that a value stands alone, or several in a list."""
    return {"anyOf": [schema, {"type": "array", "minItems": 1, "items": schema}]}
