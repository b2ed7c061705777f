"""What a domain may say, as JSON Schema: which options go with which scheme and format."""

from __future__ import annotations

from typing import Any

from maskgate.methods.format_preserving import ALPHABETS, FEWEST_DIGITS, MOST_DIGITS
from maskgate.methods.token_format import CIPHER_FORMATS, DEFAULT, FORMATS, INTEGER, lengths_of
from maskgate.methods.token_input import NORMALIZERS
from maskgate.methods.token_scheme import NOT_FPE, ONLY_FPE, SCHEMES
from maskgate.rules.method_schema import TEXT

_SCHEMES = {
    "hmac": "HMAC-SHA256: one-way, also for the key holder, as far as values cannot be guessed.",
    "cmac": "AES-CMAC: fast; the key holder can invert values of up to 16 bytes.",
    "encrypt": "AES-SIV: the key holder decrypts; the length of the value shows.",
    "fpe": "NIST FF1: a token looks like its value; the key holder decrypts.",
}


def domain_schema() -> dict[str, Any]:
    """Return the schema of a domain."""
    return {
        "type": "object",
        "required": ["scheme"],
        "additionalProperties": False,
        "properties": {
            "scheme": {
                "description": "How tokens are made.",
                "anyOf": [{"const": name, "description": _SCHEMES[name]} for name in SCHEMES],
            },
            "key": {**TEXT, "description": "The name of the key; needed where the file declares several."},
            "prefix": {
                "type": "string",
                "pattern": r"^([^{}]|\{version\})+$",
                "description": "Text before every token; {version} is the version of the key.",
            },
            "normalize": {
                "type": "array",
                "items": {"enum": list(NORMALIZERS)},
                "description": "What is done to a text before it is tokenized, in this order.",
            },
            "scope": {**TEXT, "description": "Whom the tokens are for: another scope has other tokens."},
            "format": {"enum": list(FORMATS), "default": DEFAULT, "description": "How a token is written."},
            "length": {"type": "integer", "description": "Characters of a token without its prefix."},
            "alphabet": {
                **TEXT,
                "default": "digits",
                "description": f"What values are made of: {', '.join(ALPHABETS)}, or the characters themselves.",
            },
            "digits": {
                "type": "integer",
                "minimum": FEWEST_DIGITS,
                "maximum": MOST_DIGITS,
                "description": "How many digits an integer has.",
            },
            "luhn": {
                "type": "boolean",
                "default": False,
                "description": "Whether the last digit is a Luhn check digit, before and after.",
            },
        },
        "allOf": [*_by_scheme(), *map(_of_format, FORMATS)],
    }


def _by_scheme() -> list[dict[str, Any]]:
    only_digits = {"properties": {"alphabet": {"enum": ["digits", ALPHABETS["digits"]]}}}
    return [
        {
            "if": _says("scheme", "fpe"),
            "then": {"properties": dict.fromkeys(NOT_FPE, False)},
            "else": {"properties": dict.fromkeys(ONLY_FPE, False)},
        },
        {
            "if": _says("scheme", "encrypt"),
            "then": {"properties": {"format": {"enum": list(CIPHER_FORMATS)}, "length": False}},
        },
        {"if": {"anyOf": [{"required": ["digits"]}, _says("luhn", value=True)]}, "then": only_digits},
    ]


def _of_format(name: str) -> dict[str, Any]:
    least, most, _ = lengths_of(name, "")
    allowed: dict[str, Any] = {"length": {"minimum": least, "maximum": most}}
    if name == INTEGER:
        allowed["prefix"] = False
    said = _says("format", name)
    return {
        "if": {"anyOf": [said, {"not": {"required": ["format"]}}]} if name == DEFAULT else said,
        "then": {"properties": allowed},
    }


def _says(name: str, value: str | bool) -> dict[str, Any]:  # noqa: FBT001  what it says
    return {"properties": {name: {"const": value}}, "required": [name]}
