"""Masking by the releaser: with credentials of the source and with keys that only it has.

It is the same masking as everywhere; what differs is who does it, so that what it says of it is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import Refused
from maskgate.gate.model import SealedFile
from maskgate.gate.sources import Masked
from maskgate.release.encrypted_output import EncryptedFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.datasets import Progress
    from maskgate.gate.sources import MaskOrder
    from maskgate.keys import KeyRing

_FINGERPRINT_BYTES = 8


def mask_source(order: MaskOrder, progress: Callable[[int, int], None]) -> Masked:
    """Mask tables of a source into an empty folder.

    Args:
        order: What to mask, and where the masked files go.
        progress: Called with rows done and rows in all, over all tables.

    Raises:
        MaskgateError: If the source cannot be read, or not be masked by its rules; the folder is empty then.
    """
    # Late: a releaser of staged files alone needs none of it.
    from maskgate.datasets import mask_bundle  # noqa: PLC0415
    from maskgate.datasets.file_table import open_files  # noqa: PLC0415
    from maskgate.masking.table import resolve_keys  # noqa: PLC0415

    source = order.source
    unknown = sorted(set(order.tables) - set(source.tables))
    if unknown or not order.tables:
        raise Refused(f"the source {source.id} has no table {', '.join(unknown)[:80]!r} at this releaser.")
    keys = resolve_keys(source.rules, sorted(order.tables), None)
    opened = {name: open_files(source.tables[name], storage=source.options) for name in order.tables}
    steps = _Rows(sum(each.rows or 0 for each in opened.values()), progress)
    target = order.folder if order.key is None else EncryptedFolder(order.folder, order.key)
    bundle = mask_bundle(opened, target, source.rules, keys=keys, progress=steps)
    described = bundle.manifest["tables"]
    files = tuple(SealedFile(**file) for name in sorted(described) for file in described[name]["files"])
    tables = {
        name: {
            "rows": table["rows"],
            "no_value_survives": list(source.rules.tables[name].check.no_value_survives),
        }
        for name, table in described.items()
    }
    return Masked(files, _keys(bundle.manifest["keys"], keys), tables)


def _keys(versions: Mapping[str, int], keys: KeyRing) -> dict[str, dict[str, Any]]:
    return {name: {"version": version, "fingerprint": _fingerprint(keys, name)} for name, version in versions.items()}


def _fingerprint(keys: KeyRing, name: str) -> str:
    """Return what tells a key from others, and nothing else of it: a subkey of its own use."""
    return keys.get(name).subkey(purpose="fingerprint", length=_FINGERPRINT_BYTES).hex()


class _Rows:
    """Adds up the rows of all tables."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self._total, self._progress = total, progress
        self._done: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        self._done[progress.table] = progress.rows
        self._progress(min(sum(self._done.values()), self._total), self._total)
