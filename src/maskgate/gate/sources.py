"""Sources: originals that the releaser masks itself, with credentials and keys that no pipeline has.

A request names a source by its id, never an address. Where the id leads, and by which rules it is masked, is in the
source's digest, which is part of what reviewers sign.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.errors import Refused
from maskgate.gate.model import SealedFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.model import Destination
    from maskgate.gate.staging_cipher import StagingKey
    from maskgate.keys import Key
    from maskgate.rules import Rules

MASK = "mask"
# The root of what the releaser has masked: a folder of the gate's own, which no pipeline can write to.
MASKED_ROOT = "maskgate:masked"


@dataclass(frozen=True)
class Source:
    """A registered place of originals.

    Attributes:
        id: What the configuration calls it, and what requests name.
        rules: The rules by which it is masked; they refer to the keys.
        tables: Where each table is: a path or URI of Parquet.
        options: Storage options for fsspec; they may hold secrets.
        encrypt: What wraps the key of each masking, at the gate; None if masked files lie there as they come.
    """

    id: str
    rules: Rules
    tables: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    encrypt: Key | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """Hash where it leads, and by which rules it is masked."""
        return digest("source", {"id": self.id, "rules": self.rules.digest, "tables": dict(self.tables)})


@dataclass(frozen=True)
class MaskOrder:
    """What to mask, into which empty folder.

    Attributes:
        source: The source.
        tables: Which of its tables.
        folder: Where the masked files go.
        key: What they are encrypted by from their first byte on; None if they are not.
    """

    source: Source
    tables: tuple[str, ...]
    folder: Path
    key: StagingKey | None = None


@dataclass(frozen=True)
class Masked:
    """What the releaser says of its own masking: files and counts, no cell and no key.

    Attributes:
        files: What it wrote, but for the manifest.
        keys: Of each key its ``version`` and ``fingerprint``, by which the same key is known again.
        tables: Of each table its ``rows``, and the columns of which it looked for values that survive and found none.
    """

    files: tuple[SealedFile, ...]
    keys: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        tables = {name: dict(table) for name, table in self.tables.items()}
        return {
            "files": [asdict(file) for file in self.files],
            "keys": {name: dict(key) for name, key in self.keys.items()},
            "tables": tables,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Masked:
        """Make what :meth:`as_json` wrote."""
        return cls(tuple(SealedFile(**file) for file in value["files"]), value["keys"], value["tables"])


def must_fit_level(destination: Destination, level: str | None) -> None:
    """Let only what the releaser masks itself go where nothing else may.

    Raises:
        Refused: If it does not fit.
    """
    if destination.level == MASK and level != MASK:
        raise Refused(
            f"the destination {destination.id} takes only what the releaser masks itself (level mask). "
            "Name a `source` instead of a staging."
        )
    if level == MASK and destination.level == "broker":
        raise Refused(f"the destination {destination.id} is written by its callers, so no source goes there.")
