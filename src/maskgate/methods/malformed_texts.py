"""Texts that are none: Arrow's strings promise UTF-8, and files do not always keep it."""

from __future__ import annotations

import pyarrow as pa


def malformed_texts(values: pa.Array) -> pa.Array | None:
    """Say which texts of a plain column are not valid UTF-8; None if all are."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array(
            [cell is not None and not _is_utf8(cell) for cell in values.cast(pa.large_binary()).to_pylist()]
        )
    return None


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True
