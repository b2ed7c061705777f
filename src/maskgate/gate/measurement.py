"""Counting what is in sealed Parquet files, batch by batch, without a key.

Runs in the child process of :mod:`maskgate.gate.measuring` only. It answers in counts and names; no cell leaves it,
except through :func:`sample`, which the logged-in review page shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.detect import classify
from maskgate.gate.bare_numbers import KIND, BareNumbers
from maskgate.gate.equivalence_classes import EquivalenceClasses, TooManyGroupsError
from maskgate.gate.leaves import leaves_of, words_of
from maskgate.gate.residual import count_findings, is_number
from maskgate.methods.shape import Shape
from maskgate.rules.claims import Claims, flat_names
from maskgate.rules.path import ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.rules.path import Path

_BATCH_ROWS = 32_768
_BATCH_BYTES = 32 << 20
_STREAM_BYTES = 1 << 20
_THRIFT_STRING = 16 << 20
_THRIFT_ITEMS = 1_000_000
# Parquet numbers its fields; that is the only metadata that a field of a masked file has.
_FIELD_METADATA = {b"PARQUET:field_id"}
_FILE_METADATA = {b"ARROW:schema"}


class UnfitFileError(Exception):
    """A sealed file that cannot be measured: a code that the gate has a sentence for, and which file."""

    def __init__(self, code: str, path: str) -> None:
        super().__init__(code, path)
        self.code = code
        self.path = path


@dataclass
class _Column:
    path: Path
    kind: pa.DataType
    rule: str | None
    shape: Shape
    is_original: bool = True
    cells: int = 0
    nulls: int = 0
    violations: int = 0
    findings: int = 0
    classes: set[str] = field(default_factory=set)
    numbers: BareNumbers = field(default_factory=BareNumbers)
    unclassified: list[pa.Array] = field(default_factory=list)
    classified: list[pa.Array] = field(default_factory=list)

    def add(self, column: pa.Array) -> None:
        if isinstance(column, pa.DictionaryArray):
            column = column.dictionary_decode()
        self.cells += len(column)
        self.nulls += column.null_count
        self.violations += _violations(self.shape, column)
        if self.is_original and not is_number(column.type):
            self.findings += count_findings(column)
        self.numbers.add(column)
        self.unclassified.append(column)
        if _is_enough(self.unclassified):
            self.classes.update(self._classes(self.unclassified))
            self.classified, self.unclassified = self.unclassified, []

    def finish(self) -> None:
        # A pattern is judged by its share of the cells, so a short rest is looked at with what came before it.
        self.classes.update(self._classes([*self.classified, *self.unclassified]))
        self.classified, self.unclassified = [], []
        if self.numbers.are_found:
            self.classes.add(KIND)
        if self.is_original and self.classes and is_number(self.kind):
            self.findings = self.cells - self.nulls

    def _classes(self, cells: list[pa.Array]) -> frozenset[str]:
        return classify(words_of(self.path), pa.chunked_array(cells) if cells else None)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": str(self.path),
            "type": str(self.kind),
            "rule": self.rule,
            "cells": self.cells,
            "nulls": self.nulls,
            "shape_violations": self.violations,
            "residual_findings": self.findings,
            "classes": sorted(self.classes),
        }


def _is_enough(columns: list[pa.Array]) -> bool:
    return sum(map(len, columns)) >= _BATCH_ROWS or sum(column.nbytes for column in columns) >= _BATCH_BYTES


def _violations(shape: Shape, column: pa.Array) -> int:
    try:
        return shape.violations(column)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, ValueError, TypeError):
        # The column is of a type that the shape cannot even be asked of: none of its cells fits.
        return len(column) - int(column.null_count)


def measure(task: Mapping[str, Any], progress: Callable[[int], None]) -> dict[str, Any]:
    """Measure every table of a task.

    Args:
        task: ``folder``; ``groups``, the lists of quasi-identifiers to count over, and ``group_bytes``, how much
            memory they may take; and ``tables``: for each its ``files``, the ``shapes`` of its columns, the shape of
            columns that the rules do not list (``unlisted``), those of which every cell is made up (``made_up``), and
            the column that says whose row it is (``entity``).
        progress: Told the bytes of each file that is done.

    Raises:
        UnfitFileError: If a file is not plain, readable Parquet.
    """
    return {name: _table(task, table, progress) for name, table in task["tables"].items()}


def _table(task: Mapping[str, Any], table: Mapping[str, Any], progress: Callable[[int], None]) -> dict[str, Any]:
    folder = FilePath(task["folder"])
    schema: pa.Schema | None = None
    columns: list[_Column] = []
    groups: list[EquivalenceClasses] = []
    rows = 0
    for path in table["files"]:
        with _Parquet(folder, path, task["key"]) as file:
            if schema is None:
                schema = file.schema
                columns = _columns(schema, table)
                groups = _groups(task, table, columns)
            elif schema != file.schema:
                raise UnfitFileError("schema", path)
            for batch in file.batches(_BATCH_ROWS):
                rows += batch.num_rows
                leaves = list(_leaves(batch))
                for column, (_, cells) in zip(columns, leaves, strict=True):
                    column.add(cells)
                _count_groups(groups, leaves, path)
        progress((folder / path).stat().st_size)
    for column in columns:
        column.finish()
    return {
        "rows": rows,
        "schema": [[item.name, str(item.type)] for item in schema or ()],
        "columns": [column.as_json() for column in columns],
        "groups": [each.as_json() for each in groups],
    }


def _groups(task: Mapping[str, Any], table: Mapping[str, Any], columns: list[_Column]) -> list[EquivalenceClasses]:
    # What is inside of a list is no value of a row.
    names = {str(column.path) for column in columns if ELEMENTS not in column.path.steps}
    entity = table["entity"] if table["entity"] in names else None
    found = []
    for asked in task["groups"]:
        present = tuple(name for name in asked if name in names)
        if present:
            found.append(EquivalenceClasses(tuple(asked), present, entity, task["group_bytes"]))
    return found


def _count_groups(groups: list[EquivalenceClasses], leaves: list[tuple[Path, pa.Array]], path: str) -> None:
    if not groups:
        return
    columns = {str(leaf): cells for leaf, cells in leaves}
    try:
        for each in groups:
            each.add(columns)
    except TooManyGroupsError:
        raise UnfitFileError("groups", path) from None


def _columns(schema: pa.Schema, table: Mapping[str, Any]) -> list[_Column]:
    shapes = {written: Shape.from_json(shape) for written, shape in table["shapes"].items()}
    unlisted, made_up = Shape.from_json(table["unlisted"]), frozenset(table["made_up"])
    nested = {item.name for item in schema if pa.types.is_nested(item.type)}
    rules = Claims(shapes, flat_names(schema.names, nested.__contains__))
    columns = []
    for path, cells in _leaves(pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in schema.types], schema=schema)):
        claim = rules.on_leaf(path)
        rule, shape = (None, unlisted) if claim is None else (claim.written, claim.rule)
        columns.append(_Column(path, cells.type, rule, shape, rule not in made_up))
    return columns


def _leaves(batch: pa.RecordBatch) -> Iterator[tuple[Path, pa.Array]]:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield from leaves_of(name, column)


def sample(task: Mapping[str, Any], _progress: Callable[[int], None]) -> dict[str, Any]:
    """Read a few rows of every table, as short texts that do nothing on a page.

    Args:
        task: As for :func:`measure`, with ``rows``, and ``letters``: the most of each cell.
    """
    return {name: _sample(FilePath(task["folder"]), table, task) for name, table in task["tables"].items()}


def _sample(folder: FilePath, table: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, Any]:
    names: list[str] = []
    rows: list[list[str | None]] = []
    for path in table["files"]:
        with _Parquet(folder, path, task["key"]) as file:
            names = file.schema.names
            for batch in file.batches(task["rows"]):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    if len(rows) == task["rows"]:
                        return {"columns": names, "rows": rows}
                    rows.append([_cell(value, task["letters"]) for value in row])
    return {"columns": names, "rows": rows}


def _cell(value: Any, letters: int) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    visible = "".join(letter for letter in text[: 4 * letters] if letter.isprintable())
    return visible if len(visible) <= letters and len(text) <= 4 * letters else f"{visible[: letters - 1]}…"


class _Parquet:
    """One sealed file, opened so that nothing in it can make the reader take much memory at once."""

    def __init__(self, folder: FilePath, path: str, key: Any = None) -> None:
        self._path, self._key = path, key
        self._whole = folder / path

    def __enter__(self) -> Self:
        try:
            self._file = pq.ParquetFile(
                self._whole if self._key is None else self._decrypted(),
                memory_map=False,
                buffer_size=_STREAM_BYTES,
                pre_buffer=False,
                thrift_string_size_limit=_THRIFT_STRING,
                thrift_container_size_limit=_THRIFT_ITEMS,
            )
            self.schema = self._file.schema_arrow
            self._check_metadata()
        except MemoryError:
            raise UnfitFileError("memory", self._path) from None
        except (pa.ArrowException, OSError, ValueError):
            # The cause may quote what is in the file.
            raise UnfitFileError("corrupt", self._path) from None
        if len(set(self.schema.names)) != len(self.schema.names):
            raise UnfitFileError("columns", self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _decrypted(self) -> Any:
        from maskgate.gate.staging_cipher import DecryptedFile  # noqa: PLC0415  it was loaded with the key

        return DecryptedFile(self._whole.open("rb"), self._key, self._path)

    def batches(self, at_most: int) -> Iterator[pa.RecordBatch]:
        rows = 0
        try:
            for batch in self._file.iter_batches(batch_size=self._batch_rows(at_most), use_threads=False):
                # Parquet does not promise that text is UTF-8 or that lists stay inside their bounds.
                batch.validate(full=True)
                rows += batch.num_rows
                yield batch
        except MemoryError:
            raise UnfitFileError("memory", self._path) from None
        except (pa.ArrowException, OSError, ValueError):
            raise UnfitFileError("corrupt", self._path) from None
        if rows != self._file.metadata.num_rows:
            raise UnfitFileError("corrupt", self._path)

    def _batch_rows(self, at_most: int) -> int:
        metadata = self._file.metadata
        size = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
        wide: int = max(1, size // max(1, metadata.num_rows))
        return max(1, min(at_most, _BATCH_BYTES // wide))

    def _check_metadata(self) -> None:
        unknown = set(self._file.metadata.metadata or {}) - _FILE_METADATA
        if unknown or self.schema.metadata or any(_has_metadata(item) for item in self.schema):
            raise UnfitFileError("metadata", self._path)


def _has_metadata(item: pa.Field) -> bool:
    if set(item.metadata or {}) - _FIELD_METADATA:
        return True
    return any(_has_metadata(item.type.field(at)) for at in range(item.type.num_fields))
