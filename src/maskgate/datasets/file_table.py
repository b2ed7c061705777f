"""Files that are one table.

* Every file is looked at, and has the columns of the first, before the first row is read.
* A damaged file is named, and its bytes are not quoted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.datasets import promotion
from maskgate.datasets.delta_source import check_found, is_delta, open_delta
from maskgate.datasets.finding import find_files
from maskgate.datasets.formats import FORMATS, format_called, format_of
from maskgate.datasets.formats.csv import Csv
from maskgate.datasets.formats.csv_agreement import agreement
from maskgate.datasets.formats.delta import Delta
from maskgate.datasets.formats.json_lines import JsonLines
from maskgate.datasets.object_store import plain_path, without_credentials
from maskgate.datasets.partitions import partition_fields, with_partition
from maskgate.datasets.promotion import Common, check_names, common_schema, conformed
from maskgate.datasets.source import InputState, Source
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.formats import FileFacts, Format, Piece

_LOOKERS = 8
_PARQUET = b"PAR1"


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
    uri = plain_path(uri)
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
    is_named_itself = len(files) == 1 and uri.endswith(files[0].name.lstrip("/"))
    if not is_named_itself:
        check_found(uri, files)
    found = declared or _format_of_all(files)
    options = options or {}
    if declared is None and format_of(files[0].name) is None:
        _check_parquet(files[0])
    facts = _look_at_all(found, files, options)
    fields = partition_fields(files)
    common = _common(found, facts, [file.shown for file in files], options)
    _check_names(common.schema, fields, shown)
    table = _FileTable(uri, storage, found, options, files, facts, fields, is_wanted)
    return replace(table.source(common.schema), remarks=common.remarks)


@dataclass(frozen=True)
class _FileTable:
    uri: str
    storage: Mapping[str, Any] | None
    format: Format
    options: Mapping[str, Any]
    files: Sequence[InputFile]
    facts: Sequence[FileFacts]
    fields: Sequence[pa.Field]
    is_wanted: Callable[[str], bool]

    def source(self, inside: pa.Schema) -> Source:
        """Return the source, given the columns that stand in the files."""
        counts = [each.rows for each in self.facts]
        guesses = [each.about_rows for each in self.facts]
        common = frozenset.intersection(*(each.repeating for each in self.facts))
        return Source(
            pa.schema([*inside, *self.fields], inside.metadata),
            tuple(piece for each in self.facts for piece in each.pieces),
            partial(self._read, inside),
            rows=None if None in counts else sum(count for count in counts if count is not None),
            about_rows=None if None in guesses else sum(guess for guess in guesses if guess is not None),
            uri=without_credentials(self.uri),
            inputs=tuple(
                InputState(file.name, file.size, file.stamp, each.digest)
                for file, each in zip(self.files, self.facts, strict=True)
            ),
            states=self._states,
            repeating=tuple(item.name for item in inside if item.name in common),
            as_dictionaries=lambda names: self.source(_with_dictionaries(inside, names)),
        )

    def _read(
        self, inside: pa.Schema, piece: Piece, rows: int, columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        within = None if columns is None else [name for name in inside.names if name in columns]
        wanted = inside if within is None else pa.schema([inside.field(name) for name in within])
        beside = [item for item in self.fields if columns is None or item.name in columns]
        start = 0
        for batch in self.format.read(piece, inside, rows, self.options, within):
            shown = piece.around(start, batch.num_rows).shown
            start += batch.num_rows
            # Whoever masks these rows lets go of them early, which is for nothing if they are held here meanwhile.
            ready = [with_partition(conformed(batch, wanted, shown), piece.file, beside)]
            del batch
            yield ready.pop()

    def _states(self) -> list[tuple[str, int | None, str]]:
        return [(file.name, file.size, file.stamp) for file in find_files(self.uri, self.is_wanted, self.storage)]


def _common(found: Format, facts: Sequence[FileFacts], names: Sequence[str], options: Mapping[str, Any]) -> Common:
    """Return what the files have in common."""
    schemas = [each.schema for each in facts]
    check_names(schemas, names)
    if isinstance(found, Csv):
        agreed = agreement(schemas, frozenset(options.get("types") or ()))
        common = common_schema(agreed.schemas, names, promotion.CSV, agreed.texts)
        return replace(common, schema=agreed.applied_to(common.schema))
    if not isinstance(found, JsonLines):
        return common_schema(schemas, names, promotion.TYPED)
    common = common_schema(schemas, names, promotion.JSON)
    if not common.schema.names:
        raise DatasetError(f"{names[0]}: it has no line that is a JSON object with fields, so that there is no column.")
    return common


def _with_dictionaries(inside: pa.Schema, names: Collection[str]) -> pa.Schema:
    fields = [item.with_type(pa.dictionary(pa.int32(), item.type)) if item.name in names else item for item in inside]
    return pa.schema(fields, inside.metadata)


def _known() -> str:
    return ", ".join(end for each in FORMATS for end in each.suffixes if end.count(".") == 1)


def _format_of_all(files: Sequence[InputFile]) -> Format:
    """Return the format that all files have by their names; Parquet for names that tell nothing."""
    first = format_of(files[0].name) or FORMATS[0]
    for file in files:
        if (format_of(file.name) or FORMATS[0]) is not first:
            raise DatasetError(
                f"{file.shown}: it is no {first.suffixes[0]} file, as {files[0].shown} is. "
                "Name the files that belong to the table."
            )
    return first


def _check_parquet(file: InputFile) -> None:
    """Refuse a file whose name tells no format, unless its first bytes do."""
    failed = False
    with file.open() as opened:
        try:
            failed = opened.read(len(_PARQUET)) != _PARQUET
        except Exception:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
            failed = True
    if failed:
        raise DatasetError(
            f"{file.shown}: its name tells no format, and it is no Parquet file. Say what it is, such as "
            "--source-format jsonl or source_format='csv'."
        )


def _look_at_all(found: Format, files: Sequence[InputFile], options: Mapping[str, Any]) -> list[FileFacts]:
    look = partial(found.look, options=options)
    if len(files) == 1:
        return [look(files[0])]
    with ThreadPoolExecutor(_LOOKERS, thread_name_prefix="maskgate-look") as pool:
        return list(pool.map(look, files))


def _check_names(inside: pa.Schema, fields: Sequence[pa.Field], shown: str) -> None:
    twice = [item.name for item in fields if item.name in inside.names]
    if twice:
        raise DatasetError(
            f'{shown}: the column "{twice[0]}" stands in the files and in their paths. Take one of them away.'
        )
