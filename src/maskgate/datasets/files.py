"""Files that are read, and opened so that nothing leaks.

* A file is known by its name, its size and a stamp that changes when somebody writes it again.
* What a filesystem says of a failure is never passed on: it may hold credentials.
* In the name of a hive partition (``country=DE``) stands a cell of the table: messages leave it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from maskgate.errors import DatasetError

_PARTITION_VALUE = re.compile(r"(?<![^/])([^/=]+)=[^/]*(?=/)")


@dataclass(frozen=True)
class InputFile:
    """One file of a table.

    Attributes:
        name: Where it is.
        size: Its bytes; None if nobody has looked.
        stamp: Changes when the file is written again: a time, or what an object store calls its version.
        filesystem: What opens it; None for this machine's own.
        partition: Names and values of the hive partitions that it is in, as they stand in its path.
    """

    name: str
    size: int | None = None
    stamp: str = ""
    filesystem: Any = field(default=None, repr=False, compare=False)
    partition: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """What messages call it."""
        return without_partition_values(self.name) if self.partition else self.name

    @property
    def basename(self) -> str:
        """The last part of its name."""
        return self.name.rstrip("/").rpartition("/")[2]

    def open(self) -> BinaryIO:
        """Open the file for reading.

        Raises:
            DatasetError: If there is none, or it may not be read.
        """
        failure = ""
        try:
            if self.filesystem is None:
                return Path(self.name).open("rb")
            return cast("BinaryIO", self.filesystem.open(self.name, "rb"))
        except FileNotFoundError:
            failure = "there is no such file."
        except PermissionError:
            failure = "it may not be read."
        except OSError as error:
            # Of another filesystem even this may hold credentials.
            reason = None if self.filesystem is not None else error.strerror
            failure = f"it cannot be read ({reason or type(error).__name__})."
        except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
            failure = f"it cannot be read ({type(error).__name__})."
        raise DatasetError(f"{self.shown}: {failure}")


def without_partition_values(name: str) -> str:
    """Return the name of a file as it may be shown.

    Example:
        >>> without_partition_values("/raw/email=ann@x.example/0.parquet")
        '/raw/email=…/0.parquet'
        >>> without_partition_values("email=ann@x.example/0.parquet")
        'email=…/0.parquet'
    """
    return _PARTITION_VALUE.sub(r"\1=…", name)
