"""Canonical bytes and digests of JSON values (RFC 8785), so that two parties hash the same thing."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """Encode a JSON value as RFC 8785 canonical bytes.

    Raises:
        rfc8785.CanonicalizationError: If the value is not JSON, or has an integer beyond 2^53.
    """
    return rfc8785.dumps(value)


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
