"""How masked files are laid out on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layout:
    """What a reader of the masked files will find.

    Attributes:
        file_bytes: About how large a part gets before the next one begins.
        row_group_rows: How many rows are encoded together; None for a number that suits the width of a row.
        compression: The codec, such as ``zstd``, ``snappy``, ``gzip`` or ``none``; None for ``zstd`` in Parquet and
            Arrow files. Text is always compressed as the name of the target says.
        compression_level: How hard it tries; None for the codec's own, which is 3 for ``zstd`` and 6 for
            ``gzip``.
        encodings: ``compact`` for Parquet's encodings of format 2 where they pay; ``plain`` for readers that know
            none but those of format 1.
        dialect: How text is written, as the look at a source has noted it; empty for the format's own way.
    """

    file_bytes: int = 512 << 20
    row_group_rows: int | None = None
    compression: str | None = None
    compression_level: int | None = None
    encodings: Literal["compact", "plain"] = "compact"
    dialect: str = ""
