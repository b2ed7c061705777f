"""The content digest: what a signature says about the bytes that leave."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from maskgate.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.gate.model import MeasuredTable, SealedFile


def content_digest(rules_digest: str, files: Iterable[SealedFile], tables: Iterable[MeasuredTable]) -> str:
    """Hash path, size and SHA-256 of every file, with the measured rows and schema of every table.

    Whoever releases computes it again from what was written, so that a list of files that was changed in the
    database does not pass under the old digest.
    """
    return digest(
        "content",
        {
            "rules": rules_digest,
            "files": [asdict(file) for file in files],
            "tables": {
                table.name: {"rows": table.rows, "schema": [list(column) for column in table.schema]}
                for table in tables
            },
        },
    )
