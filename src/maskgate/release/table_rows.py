"""The child process that turns a Parquet file into rows for a database, so that the releaser opens none.

``python -I -m maskgate.release.table_rows`` reads the file from stdin, which must be a file, and writes CSV to stdout:
text in quotes, null as nothing. Its one argument is JSON: columns, memory, processor time. Like the child that
measures, it has no keys, no environment and no network. Exit code 3 says that a cell does not fit its column.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from maskgate.gate.confinement import confine, leave

if TYPE_CHECKING:
    import pyarrow as pa

DOES_NOT_FIT = 3
_BATCH_ROWS = 16_384


def main() -> None:
    """Write the rows of the file on stdin."""
    task = json.loads(sys.argv[1])
    confine(memory_bytes=task["memory_bytes"], cpu_seconds=task["cpu_seconds"])
    import pyarrow as pa  # noqa: PLC0415  it starts threads, which would keep the process in its network
    import pyarrow.csv as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from maskgate.gate.confinement import forbid  # noqa: PLC0415

    forbid()
    names = [name for name, _ in task["columns"]]
    options = pc.WriteOptions(include_header=False, quoting_style="needed")
    try:
        with pq.ParquetFile(sys.stdin.buffer) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names, use_threads=False):
                arrays = [_as_text(batch.column(name), kind) for name, kind in task["columns"]]
                pc.write_csv(pa.RecordBatch.from_arrays(arrays, names=names), sys.stdout.buffer, options)
                sys.stdout.buffer.flush()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        leave(DOES_NOT_FIT)  # without a word: the message may quote a cell


def _as_text(column: pa.Array, kind: str) -> pa.Array:
    """Write a column in a form that loses nothing; a cast that would lose something fails."""
    import pyarrow as pa  # noqa: PLC0415  likewise

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind == "hex":
        cells = column.to_pylist()
        return pa.array([None if cell is None else "\\x" + cell.hex() for cell in cells], pa.string())
    casts: dict[str, Any] = {
        "timestamp_utc": pa.timestamp("us", tz="UTC"),
        "timestamp": pa.timestamp("us"),
        "time64": pa.time64("us"),
        "string": pa.string(),
        "large_string": pa.large_string(),
        "date32": pa.date32(),
        "float32": pa.float32(),
    }
    return column.cast(casts[kind]) if kind in casts else column


if __name__ == "__main__":
    main()
    leave()
