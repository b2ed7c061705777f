"""What a file format has to do, to be read in pieces and written in segments."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from maskgate.errors import UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout


DIALECT = b"maskgate dialect"
"""Where the metadata of a schema say how text is written, from the look at a source to the files that are written."""
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Piece:
    """Rows of one file that can be read without those before them.

    Attributes:
        file: The file.
        start: The first unit, in what the format counts: row groups in Parquet, bytes in text.
        stop: The unit behind the last one.
        rows: How many rows it has, if that is known before.
        size: About how many bytes of memory its rows take.
        shown: What messages call it.
        row_size: About how many bytes of memory a row takes, where nobody knows how many rows there are.
    """

    file: InputFile
    start: int = 0
    stop: int = 0
    rows: int | None = None
    size: int = 0
    shown: str = ""
    row_size: int = 0

    def behind(self, rows: int) -> tuple[Piece, int]:
        """Return what is left to read where the first rows are not wanted, and how many of these it still has."""
        return self, rows

    def around(self, start: int, rows: int) -> Piece:  # noqa: ARG002  for pieces that know where their units begin
        """Return the units that some rows stand in, for messages; `start` counts from the first row of the piece."""
        return self


@dataclass(frozen=True)
class FileFacts:
    """What a look at a file tells, without reading its rows.

    Attributes:
        schema: Its schema.
        pieces: Its rows, in order.
        rows: How many there are, if that is known before.
        digest: A hash of what the look has read of the file, such as its footer; with size and stamp it says whether
            the file is still the same.
        repeating: Columns of text that the file stores behind a small dictionary, and that can be read that way.
        about_rows: How many rows there may be, as far as its first ones tell; None if they do not.
    """

    schema: pa.Schema
    pieces: tuple[Piece, ...]
    rows: int | None
    digest: str
    repeating: frozenset[str] = frozenset()
    about_rows: int | None = None


@dataclass(frozen=True)
class Segment:
    """Rows as they will stand in a file, encoded on any thread.

    Attributes:
        rows: How many.
        data: Their bytes; a tuple where they are in several places.
        note: What the format wants to know when it puts the segment into a file.
        release: Called when the bytes are written and nobody looks at them any more.
    """

    rows: int
    data: Any = field(repr=False)
    note: Any = field(default=None, repr=False)
    release: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(map(len, self.data)) if isinstance(self.data, tuple) else len(self.data)


def looked_at(*, alone: bool) -> AbstractContextManager[Any]:
    """Return what a file is looked at within: many are at once, but only one whose look takes much memory."""
    return _ALONE if alone else nullcontext()


def check_options(called: str, options: Iterable[str], known: Collection[str] = ()) -> None:
    """Refuse what may not be declared of a file.

    Args:
        called: What messages call such a file.
        options: What is declared.
        known: What may be.

    Raises:
        UsageError: If something else is.
    """
    for option in options:
        if option not in known:
            raise UsageError(f"{called} has no option '{option}'.{did_you_mean(option, known)}")


class Assembly(Protocol):
    """One file that is put together from segments, in order, on one thread at a time."""

    def begin(self) -> bytes:
        """Return what stands before the first segment."""
        ...

    def add(self, segment: Segment) -> Iterable[Any]:
        """Return the bytes that stand in the file for a segment."""
        ...

    def remembered(self) -> Any:
        """Return what is remembered of the segment that was added last: bytes, or what JSON has."""
        ...

    def recall(self, rows: int, size: int, note: Any) -> None:
        """Add a segment whose bytes are in the file already.

        Args:
            rows: How many rows it has.
            size: How many bytes.
            note: What was remembered of it.
        """
        ...

    def end(self) -> bytes:
        """Return what stands behind the last one."""
        ...


class Encoder(Protocol):
    """Encodes masked rows; one for all threads and files of a table."""

    def encode(self, batches: list[pa.RecordBatch]) -> Segment:
        """Encode rows that stand together; what is encoded may be taken out of the list, to give its memory back."""
        ...

    def assembly(self) -> Assembly:
        """Begin a file."""
        ...


class Format(Protocol):
    """A file format; the first of its suffixes is that of files that are written."""

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What names of its files end in."""
        ...

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:
        """Find out what is in a file, without reading its rows.

        Args:
            file: The file.
            options: What the user declares of it, such as a dialect.

        Raises:
            DatasetError: If it is no such file, or a damaged one.
        """
        ...

    def read(
        self, piece: Piece, schema: pa.Schema, rows: int, options: Mapping[str, Any], columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        """Read the rows of a piece.

        Args:
            piece: What to read.
            schema: What a look found; with a dictionary where a repeating column is wanted behind one.
            rows: How many rows a batch has at most.
            options: What the user declares of the file.
            columns: The columns to read; None for all.

        Raises:
            DatasetError: If it turns out to be damaged.
        """
        ...

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Return the type of each column as a reader of a written file will see it.

        Raises:
            pa.ArrowException: If the format cannot hold one.
        """
        ...

    def encoder(self, schema: pa.Schema, layout: Layout) -> Encoder:
        """Return what writes rows of this schema.

        Raises:
            UsageError: If the format has no such layout.
        """
        ...
