"""The releaser's side of the child that reads Parquet for a database."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from maskgate.errors import Refused
from maskgate.release.sealed_bytes import copy_sealed
from maskgate.release.table_rows import DOES_NOT_FIT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgate.gate.model import Sealed, SealedFile
    from maskgate.release.sealed_bytes import Pace
    from maskgate.release.table_types import ColumnType

_MEMORY_BYTES = 2 << 30
_CPU_SECONDS = 3600
_CHUNK = 1 << 18
# Arrow's default allocator reserves much more address space than it uses, which would count against the limit.
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


def write_rows(
    sealed: Sealed, file: SealedFile, columns: Sequence[ColumnType], write: Callable[[bytes], object], pace: Pace
) -> None:
    """Pass the rows of one sealed file to `write`, as CSV.

    The rows are read from a copy that nobody else can name, and whose bytes were hashed when it was made.

    Raises:
        Refused: If the file is not what was sealed, or a cell does not fit its column.
    """
    with tempfile.TemporaryFile() as copy:
        copy_sealed(sealed, file, copy.write, pace)
        copy.seek(0)
        task = {
            "columns": [[column.name, column.text] for column in columns],
            "memory_bytes": _MEMORY_BYTES,
            "cpu_seconds": _CPU_SECONDS,
        }
        with subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-I", "-m", "maskgate.release.table_rows", json.dumps(task)],
            stdin=copy,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a crash report could quote the data
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        ) as child:
            try:
                _pass_on(child, write, pace)
            finally:
                child.kill()
        if child.returncode == DOES_NOT_FIT:
            raise Refused(
                f"{file.path} holds cells that its columns in the database cannot hold as they are, such as times in "
                "nanoseconds. Nothing was released."
            )
        if child.returncode != 0:
            raise Refused(f"{file.path} could not be read for the database. Nothing was released; mask it again.")


def _pass_on(child: subprocess.Popen[bytes], write: Callable[[bytes], object], pace: Pace) -> None:
    if child.stdout is None:
        return
    while chunk := child.stdout.read(_CHUNK):
        write(chunk)
        pace.go_on()
    child.wait()
