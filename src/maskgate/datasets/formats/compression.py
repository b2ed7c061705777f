"""Files that are compressed as a whole, by the last suffix of their names.

Every segment is compressed by itself, on its own thread, into a member of its own; members behind one another are one
file in all of these formats.
"""

from __future__ import annotations

import bz2
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.datasets.files import InputFile

CODECS = {"": "", ".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
"""What a suffix stands for, as pyarrow calls it."""
_BEST = 9
LONGEST_ROW = 64 << 20
"""The most bytes that a row of text may have."""
_BLOCK = 8 << 20
_LONG = 256 << 10


@contextmanager
def opened(file: InputFile, codec: str, start: int = 0) -> Iterator[pa.NativeFile]:
    """Open a file for reading, decompressed.

    Args:
        file: The file.
        codec: How it is compressed; empty if it is not.
        start: The byte to begin at, where it is not.
    """
    with file.open() as source:
        if start:
            source.seek(start)
        plain = pa.PythonFile(source, mode="r")
        yield pa.CompressedInputStream(plain, codec) if codec else plain


def block_for(head: bytes) -> int:
    """Return how many bytes of text to take at once, which a row must fit into: fewer where first rows are short."""
    longest = max(map(len, head.split(b"\n")))
    return _BLOCK if longest < _LONG else LONGEST_ROW


def damaged(codec: str) -> str:
    """Return how to begin when rows cannot be read: in a compressed file, it need not be the rows."""
    return "its compressed bytes are damaged or cut off, or " if codec else ""


def head_of(file: InputFile, codec: str, size: int) -> bytes:
    """Return the first bytes of what is in a file.

    Raises:
        DatasetError: If it is not compressed as its name says.
    """
    failed = False
    parts: list[bytes] = []
    with opened(file, codec) as stream:
        try:
            while size > 0 and (part := stream.read(size)):
                parts.append(part)
                size -= len(part)
        except (OSError, pa.ArrowException):
            failed = True
    if failed:
        raise DatasetError(f"{file.shown}: it is not compressed as its name says, or damaged. Write it again.")
    return b"".join(parts)


def compressed(data: Any, codec: str, level: int | None) -> Any:
    """Return bytes as one member of a compressed file; the same bytes always alike."""
    if not codec:
        return data
    if codec == "bz2":
        return bz2.compress(data, _BEST if level is None else level)
    made = pa.Codec(codec) if level is None else pa.Codec(codec, compression_level=level)
    return memoryview(made.compress(pa.py_buffer(data)))
