"""The text of a key: what a variable, a file, a connection or a block holds.

It is base64 alone, which is version 1; or entries ``VERSION:BASE64``, a line each or with commas between them, of which
the highest version is the current one. Blank lines and what follows a ``#`` do not count. A wrapped key is written in
the same way, with what the wrapper made in the place of the base64.

The functions here return a problem rather than raise one, so that no frame of a traceback has a key among its locals.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.crypto.hidden import hidden
from maskgate.keys.key import MINIMUM_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVICE = f"base64 of at least {MINIMUM_LENGTH} random bytes, such as `openssl rand -base64 32` prints"

VERSIONED = re.compile(r"([1-9][0-9]{0,8})\s*:\s*(.*)", re.DOTALL)
_NUMBERED = re.compile(r"[-+.0-9]+\s*:")


@dataclass(frozen=True)
class Found:
    """What a source gave: the bytes of every version of a key, or the problem with it."""

    versions: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    problem: str = ""


@dataclass(frozen=True)
class Entries:
    """The entries of a text by their versions, not decoded yet; or the problem with it."""

    texts: Mapping[int, str] = field(default_factory=dict, repr=False)
    problem: str = ""


def entries_of(text: str, place: str) -> Entries:
    """Take a text apart.

    Args:
        text: The text of a key, plain or wrapped.
        place: What to call where it stands, such as ``the file people.key``.
    """
    text = text.removeprefix("\ufeff")  # some editors on Windows begin every file with it
    parts = [part.strip() for line in text.splitlines() for part in line.partition("#")[0].split(",")]
    parts = [part for part in parts if part]
    found: dict[int, str] = {}
    for number, part in enumerate(parts, 1):
        match = VERSIONED.fullmatch(part)
        if match is None and len(parts) > 1:
            return Entries(problem=f"entry {number} of {place} does not begin with a version. {_ENTRIES}")
        version = 1 if match is None else int(match[1])
        if version in found:
            return Entries(problem=f"{place} holds version {version} twice. {_ENTRIES}")
        found[version] = part if match is None else match[2]
    return Entries(found or {1: ""})


def decoded(text: str, place: str) -> Found:
    """Read the text of a key.

    Args:
        text: What a source returned.
        place: What to call where it stands.
    """
    entries = entries_of(text, place)
    if entries.problem:
        return Found(problem=entries.problem)
    versions = {}
    for version, encoded in entries.texts.items():
        try:
            versions[version] = hidden(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            if _NUMBERED.match(encoded):
                return Found(problem=f"{place} holds a version that is no whole number from 1. {_ENTRIES}")
            return Found(problem=f"{place} does not hold base64{_which(version, entries)}. It must hold {ADVICE}")
    return long_enough(versions, place)


def long_enough(versions: Mapping[int, bytes], place: str) -> Found:
    """Refuse a key of which any version has too few bytes."""
    for version, material in versions.items():
        if len(material) < MINIMUM_LENGTH:
            which = f" in version {version}" if len(versions) > 1 else ""
            return Found(
                problem=f"{place} holds {len(material)} bytes{which}, which is too short. It must hold {ADVICE}"
            )
    return Found(versions)


_ENTRIES = (
    "Several versions are written VERSION:BASE64, each on a line of its own, and each once; "
    "a key without a version is alone, on one line"
)


def _which(version: int, entries: Entries) -> str:
    return f" in version {version}" if len(entries.texts) > 1 else ""
