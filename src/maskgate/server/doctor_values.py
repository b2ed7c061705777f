"""Values that a worker has, as marks that only say whether two are the same.

A mark is a slow hash with a salt of one look-over. The gate makes marks of the credentials of its destinations with the
same salt, so that neither side shows a value to the other, and nobody tries guesses quickly.
"""

from __future__ import annotations

import json
import re
from hashlib import scrypt
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Shorter ones are no credentials, and longer ones are not looked through.
_SHORTEST, _LONGEST = 8, 16_384
_MOST = 2000
_PAIR = re.compile(r"[A-Za-z]+=([^;]+)")


def mark(value: str, salt: str) -> str:
    """Return what says only whether another value is the same."""
    return scrypt(value.encode(), salt=bytes.fromhex(salt), n=2**12, r=8, p=1, dklen=16).hex()


def is_worth_a_mark(value: str) -> bool:
    """Whether a value may be a credential."""
    return _SHORTEST <= len(value) <= _LONGEST


def marks_of(named: Mapping[str, Any], salt: str) -> dict[str, list[str]]:
    """Return the marks of all that is in named values: whole, and in parts.

    Args:
        named: Values by name: texts, such as an environment has them, or what a JSON file holds.
        salt: Of this look-over, in hexadecimal digits.
    """
    known: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, value in named.items():
        parts = sorted({each for each in parts_of(value) if is_worth_a_mark(each)})
        for part in parts:
            if part not in known and len(known) < _MOST:
                known[part] = mark(part, salt)
        found[name] = [known[part] for part in parts if part in known]
    return {name: marks for name, marks in found.items() if marks}


def parts_of(value: Any) -> Iterator[str]:
    """Go through a value and what is written in it: JSON, addresses with an account, pairs of an account's string."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from parts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts_of(inner)
    elif isinstance(value, str) and len(value) <= _LONGEST:
        yield value
        yield from _written_in(value)


def _written_in(text: str) -> Iterator[str]:
    if text[:1] in {"{", "["}:
        try:
            yield from parts_of(json.loads(text))
        except ValueError:
            return
    elif "://" in text:
        try:
            address = urlsplit(text)
        except ValueError:
            return
        yield from (unquote(each) for each in (address.username, address.password) if each)
        yield from (each for _, inner in parse_qsl(address.query) for each in parts_of(inner))
    elif ";" in text:
        yield from _PAIR.findall(text)
