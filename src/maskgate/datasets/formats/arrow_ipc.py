"""Arrow's own format: files, which Feather is another name of, and streams.

Columns that are dictionary-encoded are written plain: a file has one dictionary a column, and every stretch of rows is
encoded by itself.
"""

from __future__ import annotations

import hashlib
import io
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from maskgate.datasets.formats.compression import codec_of
from maskgate.datasets.formats.dictionary_views import with_large_entries, without_views
from maskgate.datasets.formats.format import FileFacts, Piece, Segment, check_options, looked_at
from maskgate.datasets.formats.portions import in_portions
from maskgate.datasets.formats.told_fields import check_fields
from maskgate.errors import DatasetError
from maskgate.methods.layout import plain
from maskgate.methods.nesting import is_list, nulls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.layout import Layout

_MAGIC = b"ARROW1"
_PREFIX = _MAGIC + bytes(2)
_END = b"\xff\xff\xff\xff" + bytes(4)
_TAIL = 4 + len(_MAGIC)
_BLOCK = struct.Struct("<qi4xq")
_CODECS = ("zstd", "lz4", "none")
_PIECE_BATCHES = 64
# The first batch of a file this large may be all of it.
_LARGE_FILE = 16 << 20


@dataclass(frozen=True)
class ArrowIpc:
    """Arrow IPC.

    Attributes:
        name: What users call it.
        suffixes: What names of its files end in.
        is_stream: Whether it is a stream, which is read from its beginning only.
    """

    name: str = "arrow"
    suffixes: tuple[str, ...] = (".arrow", ".feather", ".ipc")
    is_stream: bool = False

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:
        """Read the schema, of a file how many batches there are, and the first of them to see how wide rows are."""
        check_options("an Arrow file", options)
        with self._opened(file) as reader:
            digest = hashlib.sha256(reader.schema.serialize()).hexdigest()
            schema = pa.schema([without_views(item) for item in reader.schema], reader.schema.metadata)
            if self.is_stream:
                piece = Piece(file, shown=file.shown)
                size = _row_size(file, partial(next, reader, None))
                return FileFacts(schema, (replace(piece, row_size=size),), None, digest)
            count = reader.num_record_batches
            size = _row_size(file, partial(reader.get_batch, 0)) if count else 0
            return FileFacts(schema, tuple(_pieces(file, count, size)), None, f"{digest}:{count}")

    def read(
        self,
        piece: Piece,
        schema: pa.Schema,  # noqa: ARG002  Arrow describes itself
        rows: int,
        options: Mapping[str, Any],  # noqa: ARG002
        columns: Sequence[str] | None,
    ) -> Iterator[pa.RecordBatch]:
        """Read the batches of a piece."""
        with self._opened(piece.file) as reader:
            places = iter(int, 1) if self.is_stream else iter(range(piece.start, piece.stop))
            for at in places:
                batch = _read(partial(next, reader, None) if self.is_stream else partial(reader.get_batch, at), piece)
                if batch is None:
                    return
                yield from in_portions(batch, rows, columns)

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Return the types, dictionaries taken off."""
        return [item.type for item in _plain_schema(schema)]

    def encoder(self, schema: pa.Schema, layout: Layout) -> IpcEncoder:
        """Return what writes batches."""
        return IpcEncoder(_plain_schema(schema), layout, is_stream=self.is_stream)

    @contextmanager
    def _opened(self, file: InputFile) -> Iterator[Any]:
        with file.open() as source:
            failed = False
            try:
                reader = pa.ipc.open_stream(source) if self.is_stream else pa.ipc.open_file(source)
                check_fields(reader.schema)
            except (pa.ArrowException, OSError, ValueError):
                failed = True
            if failed:
                a = "stream" if self.is_stream else "file"
                source.seek(0)
                advice = _advice(source.read(len(_MAGIC)), is_stream=self.is_stream)
                raise DatasetError(f"{file.shown}: it is no Arrow {a}, or a damaged one. {advice}")
            yield reader


def _advice(start: bytes, *, is_stream: bool) -> str:
    """Say what to do about a file, going by how it begins."""
    if start.startswith(b"FEA1"):
        return "It is of Feather's first version: write it again in the second."
    if not is_stream and start.startswith(_END[:4]):
        return "It begins as a stream does: --source-format arrow-stream, or source_format='arrow-stream'."
    if is_stream and start == _MAGIC:
        return "It begins as a file does: --source-format arrow, or source_format='arrow'."
    return "Write it again, or leave it out."


class IpcEncoder:
    """Encodes batches of one schema.

    Args:
        schema: What they look like.
        layout: How they are compressed.
        is_stream: Whether they become a stream.
    """

    def __init__(self, schema: pa.Schema, layout: Layout, *, is_stream: bool) -> None:
        codec, level = codec_of(layout, _CODECS, "Arrow files")
        made = None if codec == "none" else pa.Codec(codec, level)
        self.schema, self.is_stream = schema, is_stream
        self._begin = memoryview(schema.serialize())
        self._options = pa.ipc.IpcWriteOptions(compression=made, use_threads=False)

    def encode(self, batches: list[pa.RecordBatch]) -> Segment:
        """Encode batches, each as a message."""
        messages, lengths, rows = [], [], 0
        for batch in batches:
            columns = [plain(column) if pa.types.is_dictionary(column.type) else column for column in batch.columns]
            data = self._message(pa.RecordBatch.from_arrays(columns, schema=self.schema))
            metadata = _metadata_of(data)
            messages.append(data)
            lengths.append((metadata, len(data) - metadata))
            rows += batch.num_rows
        return Segment(rows, messages[0] if len(messages) == 1 else b"".join(messages), tuple(lengths))

    def _message(self, batch: pa.RecordBatch) -> memoryview:
        """Return what a stream has between its schema and its end."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.schema, options=self._options) as writer:
            writer.write_batch(batch)
        return memoryview(sink.getvalue())[len(self._begin) : -len(_END)]

    def assembly(self) -> IpcAssembly:
        """Begin a file."""
        return IpcAssembly(self)


class IpcAssembly:
    """A stream, or a file: a stream with a footer that says where its batches are."""

    def __init__(self, encoder: IpcEncoder) -> None:
        self._encoder = encoder
        self._at = 0
        self._blocks: list[tuple[int, int, int]] = []
        self._last: list[tuple[int, int]] = []

    def begin(self) -> bytes:
        """Return the schema."""
        schema = bytes(memoryview(self._encoder.schema.serialize()))
        start = schema if self._encoder.is_stream else _PREFIX + schema
        self._at = len(start)
        return start

    def add(self, segment: Segment) -> Iterable[Any]:
        """Return the batches."""
        self.recall(segment.rows, segment.size, segment.note)
        return (segment.data,)

    def remembered(self) -> list[tuple[int, int]]:
        """Return how long the messages of the last segment are."""
        return self._last

    def recall(self, _rows: int, _size: int, note: Any) -> None:
        """Note where messages of these lengths stand."""
        self._last = [(metadata, body) for metadata, body in note]
        for metadata, body in self._last:
            self._blocks.append((self._at, metadata, body))
            self._at += metadata + body

    def end(self) -> bytes:
        """Return the end of the stream, and the footer of a file."""
        if self._encoder.is_stream:
            return _END
        footer = _footer(self._encoder.schema, self._blocks)
        return _END + footer + len(footer).to_bytes(4, "little") + _MAGIC


def _footer(schema: pa.Schema, blocks: Sequence[tuple[int, int, int]]) -> bytes:
    """Return the footer of a file with batches at these places.

    Arrow writes the footer of a file that has as many batches, all empty, and its places are replaced.
    """
    sink, empty = io.BytesIO(), _empty(schema)
    with pa.ipc.new_file(sink, schema) as writer:
        for _ in blocks:
            writer.write_batch(empty)
    data = sink.getvalue()
    size = int.from_bytes(data[-_TAIL : -len(_MAGIC)], "little")
    footer = data[-_TAIL - size : -_TAIL]
    if not blocks:
        return footer
    message = bytes(memoryview(empty.serialize()))
    first, metadata = data.index(message), _metadata_of(message)
    body = len(message) - metadata
    written = b"".join(_BLOCK.pack(first + at * len(message), metadata, body) for at in range(len(blocks)))
    if footer.count(written) != 1:
        raise DatasetError("this version of Arrow writes its files another way. Write Parquet, or a stream.")
    return footer.replace(written, b"".join(_BLOCK.pack(*block) for block in blocks))


def _metadata_of(message: Any) -> int:
    """Return how many bytes of a message stand before its body."""
    return int.from_bytes(message[4:8], "little") + 8


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([nulls(0, item.type) for item in schema], schema=schema)


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [item.with_type(item.type.value_type) if pa.types.is_dictionary(item.type) else item for item in schema]
    )


def _pieces(file: InputFile, count: int, row_size: int) -> Iterator[Piece]:
    for start in range(0, count, _PIECE_BATCHES):
        stop = min(start + _PIECE_BATCHES, count)
        yield Piece(file, start, stop, shown=f"{file.shown}, batches {start} to {stop - 1}", row_size=row_size)


def _row_size(file: InputFile, read: Callable[[], pa.RecordBatch | None]) -> int:
    """Return how many bytes a row of the first batch takes; nothing if it is damaged, as its reader will say."""
    with looked_at(alone=(file.size or 0) >= _LARGE_FILE), suppress(DatasetError):
        batch = _read(read, Piece(file))
        return 0 if batch is None else int(batch.nbytes) // max(1, batch.num_rows)
    return 0


def _points_elsewhere(kind: pa.DataType) -> bool:
    """Say whether cells stand in other arrays, at places that the file tells."""
    return (
        kind.num_fields > 0
        or pa.types.is_dictionary(kind)
        or pa.types.is_run_end_encoded(kind)
        or isinstance(kind, pa.BaseExtensionType)
    )


def _check_views(column: pa.Array) -> None:
    """Refuse views of a size below zero: where they are under a null Arrow finds them valid, and copies from there.

    Raises:
        ValueError: If there is one.
    """
    kind = column.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        sizes = np.frombuffer(column.buffers()[1], np.int32)[::4]
        if (sizes[column.offset : column.offset + len(column)] < 0).any():
            raise ValueError("a view of a size below zero")
    for inside in _inside(column):
        _check_views(inside)


def _inside(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        yield column.storage
    elif pa.types.is_dictionary(kind):
        yield column.dictionary
    elif pa.types.is_struct(kind) or pa.types.is_union(kind):
        yield from (column.field(at) for at in range(kind.num_fields))
    elif pa.types.is_map(kind):
        yield from (column.keys, column.items)
    elif is_list(kind) or pa.types.is_run_end_encoded(kind):
        yield column.values


def _read(read: Callable[[], pa.RecordBatch | None], piece: Piece) -> pa.RecordBatch | None:
    # Memory is short as well where a damaged length asks for more than any machine has.
    with suppress(pa.ArrowException, OSError, ValueError, StopIteration, MemoryError):
        if (batch := read()) is None:
            return None
        # Before anybody cuts it or counts its bytes: Arrow follows what points into other arrays, wherever that is.
        batch.validate()
        for column in batch.columns:
            if _points_elsewhere(column.type):
                column.validate(full=True)
            _check_views(column)
        values = [with_large_entries(column) for column in batch.columns]
        return pa.RecordBatch.from_arrays(values, schema=pa.schema(map(without_views, batch.schema)))
    raise DatasetError(
        f"{piece.shown}: it is damaged, or has batches that do not fit into memory, and cannot be read to its end. "
        "Write it again."
    )
