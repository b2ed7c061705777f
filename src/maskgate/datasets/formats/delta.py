"""New tables of Delta Lake: files of Parquet, and a log with one entry.

The log says how many rows each file has, and nothing of their values. The table has no partitions, so that no path can
hold a value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.canonical import digest
from maskgate.datasets.formats.parquet import Parquet
from maskgate.errors import PlanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maskgate.datasets.files import InputFile
    from maskgate.datasets.formats.format import FileFacts

LOG = "_delta_log/00000000000000000000.json"
_WITHOUT_ZONE = "timestamp_ntz"


class Delta(Parquet):
    """Delta Lake."""

    name = "delta"

    def look(self, file: InputFile, options: Mapping[str, Any]) -> FileFacts:  # noqa: ARG002
        """Refuse: a table is more than its files."""
        raise UsageError(f"{file.shown}: a table of Delta Lake is named by its folder, not by its files.")

    def types_as_read(self, schema: pa.Schema) -> list[pa.DataType]:
        """Return the types, if Delta Lake has them."""
        if any(map(_has_none, schema.types)):
            raise pa.ArrowNotImplementedError("Delta Lake has no such type")
        delta_schema(schema)
        return super().types_as_read(schema)


def delta_schema(schema: pa.Schema) -> str:
    """Return a schema as the log has it.

    Raises:
        UsageError: If the package is missing.
        pa.ArrowNotImplementedError: If Delta Lake has no such type.
    """
    try:
        from deltalake import Schema  # noqa: PLC0415  only for those who have Delta Lake
    except ImportError:
        raise UsageError("Delta Lake needs a package: pip install 'maskgate[delta]'.") from None
    try:
        return str(Schema.from_arrow(schema).to_json())
    except Exception:  # noqa: BLE001  its own classes of errors are many
        raise pa.ArrowNotImplementedError("Delta Lake has no such type") from None


def check_names(schema: pa.Schema, table: str) -> None:
    """Refuse columns that Delta Lake does not tell apart.

    Raises:
        PlanError: If two are called alike but for capitals.
    """
    seen: dict[str, str] = {}
    for name in schema.names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise PlanError(table, (f'columns "{other}" and "{name}" are one to Delta Lake. Rename or drop one.',))


def delta_log(schema: pa.Schema, files: Sequence[Mapping[str, Any]], rows: Sequence[int]) -> bytes:
    """Return the only entry of a new table's log; the same files always have the same.

    Args:
        schema: What the files look like.
        files: ``path``, ``size`` and ``sha256`` of each.
        rows: How many rows each has.
    """
    written = delta_schema(schema)
    features = {"readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz"]}
    protocol: dict[str, Any] = {"minReaderVersion": 1, "minWriterVersion": 2}
    if f'"{_WITHOUT_ZONE}"' in written:
        protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **features}
    name = digest("delta-table", [written, [[file["path"], file["sha256"]] for file in files]])
    identity = name.rpartition(":")[2][:32]
    metadata = {
        "id": "-".join(identity[start:stop] for start, stop in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": written,
        "partitionColumns": [],
        "configuration": {},
    }
    actions: list[dict[str, Any]] = [{"protocol": protocol}, {"metaData": metadata}]
    actions += [
        {
            "add": {
                "path": file["path"],
                "partitionValues": {},
                "size": file["size"],
                "modificationTime": 0,
                "dataChange": True,
                "stats": json.dumps({"numRecords": count}),
            }
        }
        for file, count in zip(files, rows, strict=True)
    ]
    return b"".join(json.dumps(action).encode() + b"\n" for action in actions)


def _has_none(kind: pa.DataType) -> bool:
    """Say whether Delta Lake would read other values: it has neither unsigned integers nor nanoseconds."""
    if pa.types.is_unsigned_integer(kind) or (pa.types.is_timestamp(kind) and kind.unit != "us"):
        return True
    if pa.types.is_dictionary(kind):
        return _has_none(kind.value_type)
    return any(_has_none(kind.field(at).type) for at in range(kind.num_fields))
