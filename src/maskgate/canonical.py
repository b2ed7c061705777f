"""Canonical bytes and digests of JSON values (RFC 8785), so that two parties hash the same thing."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from json import JSONEncoder
from typing import Any

import rfc8785

_PLAIN = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
_MOST = (1 << 53) - 1


def canonical_bytes(value: Any) -> bytes:
    """Encode a JSON value as RFC 8785 canonical bytes.

    Raises:
        rfc8785.CanonicalizationError: If the value is not JSON, or has an integer beyond 2^53.
    """
    if _is_plain(value):
        # Half a character is refused below, in the words that everything else is.
        with suppress(UnicodeEncodeError):
            return _PLAIN.encode(value).encode()
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Whether Python's own encoder, which is much faster, writes a value just as RFC 8785 wants it.

    It does for all but fractions, integers beyond 2^53 (which are refused), and names whose order is another in UTF-16.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is dict:
        return all(type(name) is str and name.isascii() for name in value) and all(map(_is_plain, value.values()))
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    return kind is int and -_MOST <= value <= _MOST


def digest(kind: str, value: Any) -> str:
    """Hash a JSON value as one kind of thing.

    The kind is part of what is hashed, so that a digest of one kind of thing never passes for another.

    Returns:
        ``sha256:`` and 64 hexadecimal digits.

    Example:
        >>> digest("content", {}) == digest("intent", {})
        False
    """
    hashed = hashlib.sha256(f"maskgate/{kind}/v1\0".encode() + canonical_bytes(value))
    return f"sha256:{hashed.hexdigest()}"
