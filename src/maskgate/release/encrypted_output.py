"""Where a releaser masks to: a folder whose files are encrypted from their first byte on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast

from maskgate.gate.encrypting_file import EncryptingFile
from maskgate.gate.staging_cipher import DecryptedFile

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.datasets.journal import Journal
    from maskgate.gate.staging_cipher import StagingKey

_OURS_ALONE = 0o700


@dataclass
class EncryptedFolder:
    """An empty folder, as an output of masking.

    Attributes:
        folder: Where the files go.
        key: What they are encrypted by; nobody reads them without it.
    """

    folder: Path
    key: StagingKey
    written: list[Path] = field(default_factory=list)
    # A run that was cut off begins anew: its key may be gone.
    journal: Journal | None = None

    def create(self, name: str) -> BinaryIO:
        """Open a new file for writing."""
        file = self.folder / name
        file.parent.mkdir(mode=_OURS_ALONE, exist_ok=True)
        opened = EncryptingFile(file.open("xb"), self.key, name)
        self.written.append(file)
        return cast("BinaryIO", opened)

    def reopen(self, name: str) -> BinaryIO:
        """Open a finished file for reading."""
        return cast("BinaryIO", DecryptedFile((self.folder / name).open("rb"), self.key, name))

    def finish(self) -> None:
        """Do nothing: each file was brought to the disk when it was closed."""

    def abandon(self) -> None:
        """Remove what was written."""
        for file in self.written:
            file.unlink(missing_ok=True)
        for folder in {file.parent for file in self.written} - {self.folder}:
            shutil.rmtree(folder, ignore_errors=True)

    def leave(self) -> bool:
        """Remove what was written."""
        self.abandon()
        return False
