"""Files that are one table.

* Every file is looked at, and has the schema of the first, before the first row is read.
* A damaged file is named, and its bytes are not quoted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from maskgate.datasets.delta_source import is_delta, open_delta
from maskgate.datasets.files import find_files
from maskgate.datasets.formats import FORMATS, format_called, format_of
from maskgate.datasets.formats.delta import Delta
from maskgate.datasets.object_store import without_credentials
from maskgate.datasets.source import InputState, Source
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.formats import FileFacts, Format

_LOOKERS = 8


def open_files(
    uri: str,
    format_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    storage: Mapping[str, Any] | None = None,
) -> Source:
    """Find the files of a table and check that they belong together.

    Args:
        uri: Path or URI of a file, of a folder of them, or a pattern such as ``orders-*.parquet``.
        format_name: What format they have; None to go by their names.
        options: What else is declared of them; each format has its own.
        storage: Options of the object store, where others are needed than those of the environment.

    Raises:
        DatasetError: If there is none, one cannot be read, or their schemas differ.
        UsageError: If there is no such format, or it has no such option.
    """
    if format_name == Delta.name or (format_name is None and is_delta(uri, storage)):
        return open_delta(uri, options)
    declared = None if format_name is None else format_called(format_name)
    shown = without_credentials(uri)

    def is_wanted(name: str) -> bool:
        return declared is not None or format_of(name) is not None

    files = find_files(uri, is_wanted, storage)
    if not files:
        raise DatasetError(
            f"{shown}: there is no file of a known format here ({_known()}). Name a file, a folder of them, or a "
            "pattern."
        )
    found = declared or _format_of_all(files)
    options = options or {}
    facts = _look_at_all(found, files, options)
    schema = facts[0].schema
    for file, each in zip(files, facts, strict=True):
        _check_same(schema, each.schema, file.name, files[0].name)
    counts = [each.rows for each in facts]
    return Source(
        schema,
        tuple(piece for each in facts for piece in each.pieces),
        lambda piece, rows, columns: found.read(piece, schema, rows, options, columns),
        rows=None if None in counts else sum(count for count in counts if count is not None),
        uri=shown,
        inputs=tuple(
            InputState(file.name, file.size, file.stamp, each.digest) for file, each in zip(files, facts, strict=True)
        ),
        states=lambda: [(file.name, file.size, file.stamp) for file in find_files(uri, is_wanted, storage)],
    )


def _known() -> str:
    return ", ".join(end for each in FORMATS for end in each.suffixes if end.count(".") == 1)


def _format_of_all(files: Sequence[InputFile]) -> Format:
    """Return the format that all files have by their names; Parquet for names that tell nothing."""
    first = format_of(files[0].name) or FORMATS[0]
    for file in files:
        if (format_of(file.name) or FORMATS[0]) is not first:
            raise DatasetError(
                f"{file.name}: it is no {first.suffixes[0]} file, as {files[0].name} is. "
                "Name the files that belong to the table."
            )
    return first


def _look_at_all(found: Format, files: Sequence[InputFile], options: Mapping[str, Any]) -> list[FileFacts]:
    look = partial(found.look, options=options)
    if len(files) == 1:
        return [look(files[0])]
    with ThreadPoolExecutor(_LOOKERS, thread_name_prefix="maskgate-look") as pool:
        return list(pool.map(look, files))


def _check_same(expected: pa.Schema, found: pa.Schema, name: str, first: str) -> None:
    """Refuse a file that has other columns than the first, in names, order or types."""
    if [(item.name, item.type) for item in found] == [(item.name, item.type) for item in expected]:
        return
    differences = []
    types = {item.name: item.type for item in expected}
    for item in found:
        if item.name not in types:
            differences.append(f'"{item.name}" is not there')
        elif item.type != types[item.name]:
            differences.append(f'"{item.name}" is {types[item.name]} there and {item.type} here')
    differences += [f'"{missing}" is missing here' for missing in types if missing not in found.names]
    reasons = "; ".join(differences) or "the columns stand in another order"
    raise DatasetError(f"{name}: its columns are not those of {first}: {reasons}. Mask them one by one, or convert.")
