"""Hive partitions: what stands in the path of a file is a column of the table, as much as what stands in the file.

The column is there for all rows of the file, needs a rule as any other, and comes out inside of the masked files. Their
names never hold a value.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa

from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskgate.datasets.files import InputFile

_NULL = "__HIVE_DEFAULT_PARTITION__"
# As these are written there is one integer for each text and one text for each integer, so that nothing is lost.
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")


def partition_fields(files: Sequence[InputFile]) -> list[pa.Field]:
    """Return the columns that stand in the paths of files.

    Raises:
        DatasetError: If not all files stand in the same partitions, or a name has no meaning.
    """
    names = [name for name, _ in files[0].partition]
    for file in files:
        if [name for name, _ in file.partition] != names:
            raise DatasetError(
                f"{file.shown}: it is not in the same partitions as {files[0].shown} is. "
                "Name files that belong to one table."
            )
        for text in {text for pair in file.partition for text in pair}:
            if _decoded(text) is None:
                raise DatasetError(
                    f"{file.shown}: what stands in the names of its folders is not written in UTF-8. Rename them."
                )
    values = [{file.partition[at][1] for file in files} - {_NULL} for at in range(len(names))]
    kinds = [pa.int64() if _are_integers(each) else pa.string() for each in values]
    return [pa.field(_decoded(name), kind) for name, kind in zip(names, kinds, strict=True)]


def with_partition(batch: pa.RecordBatch, file: InputFile, fields: Sequence[pa.Field]) -> pa.RecordBatch:
    """Return a batch of a file with the columns of its path.

    Raises:
        DatasetError: If it is so damaged that it takes none.
    """
    if not fields:
        return batch
    values = {_decoded(name): value for name, value in file.partition}
    columns = [_repeated(values[item.name], item.type, batch.num_rows) for item in fields]
    with suppress(pa.ArrowException):
        return pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=pa.schema([*batch.schema, *fields]))
    raise DatasetError(f"{file.shown}: it is damaged: what it holds is not what it says it is. Write it again.")


def _repeated(value: str, kind: pa.DataType, rows: int) -> pa.Array:
    if value == _NULL:
        return pa.nulls(rows, kind)
    return pa.repeat(pa.scalar(int(value) if kind == pa.int64() else _decoded(value), kind), rows)


def _decoded(text: str) -> str | None:
    """Return what a text of a path stands for, or None if it is not written in UTF-8."""
    with suppress(UnicodeError):
        found = unquote(text, errors="strict")
        found.encode()
        return found
    return None


def _are_integers(values: set[str]) -> bool:
    return bool(values) and all(_INTEGER.fullmatch(value) for value in values)
