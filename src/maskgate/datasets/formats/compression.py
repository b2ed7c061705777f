"""Files that are compressed as a whole, by the last suffix of their names.

Every segment is compressed by itself, on its own thread, into a member of its own; members behind one another are one
file in all of these formats.
"""

from __future__ import annotations

import bz2
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.errors import DatasetError, UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout

CODECS = {"": "", ".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
"""What a suffix stands for, as pyarrow calls it."""
_BEST = 9
_BZ2_LEVELS = (1, _BEST)
# What the codecs' own tools choose. Arrow chooses 9 for gzip, which takes four times as long for a thousandth less.
_LEVELS = {"zstd": 3, "gzip": 6}
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
    """Return how an error about rows begins: in a compressed file, damaged bytes may be the reason."""
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
        raise _not_compressed(file)
    return b"".join(parts)


def about_rows(file: InputFile, head: bytes) -> int | None:
    """Return how many lines there may be in a file that is not compressed, going by the first of them."""
    lines = head.count(b"\n")
    return file.size * lines // len(head) if file.size and lines else None


def check_not_empty(file: InputFile) -> None:
    """Refuse a file without a byte: what is compressed has some, even if it is nothing.

    Raises:
        DatasetError: If there is none.
    """
    with file.open() as source:
        if not source.read(1):
            raise _not_compressed(file)


def _not_compressed(file: InputFile) -> DatasetError:
    return DatasetError(f"{file.shown}: it is not compressed as its name says, or damaged. Write it again.")


def compressed(data: Any, codec: str, level: int | None) -> Any:
    """Return bytes as one member of a compressed file; the same bytes always alike."""
    if not codec:
        return data
    if codec == "bz2":
        return bz2.compress(data, _BEST if level is None else level)
    made = pa.Codec(codec) if level is None else pa.Codec(codec, compression_level=level)
    return memoryview(made.compress(pa.py_buffer(data)))


def codec_of(layout: Layout, codecs: Collection[str], called: str) -> tuple[str, int | None]:
    """Return the codec of a format that names it in its files, and the level.

    Args:
        layout: What is asked for; ``zstd`` where nothing is.
        codecs: Those of the format.
        called: The format, in the plural.

    Raises:
        UsageError: If there is no such codec, or it has no such level.
    """
    codec = layout.compression or "zstd"
    if codec not in codecs:
        raise UsageError(f"{called} have no compression '{codec}'.{did_you_mean(codec, codecs)}")
    return codec, None if codec == "none" else _level(codec, layout.compression_level)


def level_of_text(layout: Layout, codec: str) -> int | None:
    """Return the level for text, whose codec the name of its file tells.

    Raises:
        UsageError: If another codec is asked for, or a level that this one does not have.
    """
    named = codec or "none"
    if layout.compression not in {None, named}:
        ends = ", ".join(f"{end} for {each}" for end, each in CODECS.items() if each)
        raise UsageError(
            f"text is compressed as the name of the target says, here '{named}', and '{layout.compression}' was asked "
            f"for. Give the target another end ({ends}, and none of them for none)."
        )
    return _level(named, layout.compression_level)


def _level(codec: str, level: int | None) -> int | None:
    if level is None:
        return _LEVELS.get(codec)
    levels = _levels(codec)
    if levels is None or not levels[0] <= level <= levels[1]:
        has = "no levels" if levels is None else f"levels from {levels[0]} to {levels[1]}"
        raise UsageError(f"the compression '{codec}' has {has}, and {level} was asked for.")
    return level


def _levels(codec: str) -> tuple[int, int] | None:
    if codec in {"none", "bz2"}:
        return _BZ2_LEVELS if codec == "bz2" else None
    try:
        return pa.Codec.minimum_compression_level(codec), pa.Codec.maximum_compression_level(codec)
    except (pa.ArrowException, ValueError):
        return None
