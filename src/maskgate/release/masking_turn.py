"""A releaser process masks sources: what is asked of it, with what it alone holds, and it remembers what it wrote.

::

    ask the gate ─▶ its own source, led to where it was asked ─▶ take (fence) ─▶ mask ─▶ bring ─▶ finish

* Nothing leaves by masking, so no grant is needed for it: masked files go to the gate, which seals them.
* What goes to a destination of level mask has to be what this releaser wrote; it does not take the gate's word for it.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maskgate.errors import Conflict, DatasetError, GateUnreachable, MaskgateError, Refused
from maskgate.gate.fault_points import reach
from maskgate.gate.model import SealedFile
from maskgate.gate.sources import MASK, MaskOrder
from maskgate.gate.staged_names import MANIFEST
from maskgate.gate.staging_cipher import DecryptedFile, StagingKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.gate.sources import Masked, Source
    from maskgate.release.gate_link import GateLink
    from maskgate.release.releaser import DestinationReleaser

_LOG = logging.getLogger("maskgate.releaser")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_RENEW_SECONDS = 10.0
_KEPT_SECONDS = 400 * 24 * 3600


class MaskedRecords:
    """What this releaser has masked, in a folder of its own.

    Args:
        folder: Where it keeps a small file for each request.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def clear(self) -> None:
        """Forget what no request can wait for any more."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self._folder.iterdir():
            if file.stat().st_mtime < time.time() - _KEPT_SECONDS:
                file.unlink()

    def note(self, request: str, rules: str, masked: Masked) -> None:
        """Remember what was written for a request, before the gate is told."""
        whole = self._folder / f"{request}.json"
        new = whole.with_suffix(".new")
        new.write_text(json.dumps({"rules": rules, "files": [asdict(file) for file in masked.files]}), encoding="utf-8")
        new.replace(whole)

    def check(self, order: ReleaseOrder) -> None:
        """Hold what is to go to a destination of level mask against what was written.

        Raises:
            Refused: If it was not masked here, or is something else.
        """
        if order.destination.level != MASK:
            return
        try:
            known = json.loads((self._folder / f"{order.request}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Refused("this releaser has not masked it, and the destination takes nothing else.") from None
        written = {SealedFile(**file) for file in known["files"]}
        is_same = written == set(order.sealed.data_files) and known["rules"] == order.sealed.rules_digest
        if not is_same:
            raise Refused("the sealed files are not those that this releaser has masked.")


@dataclass(frozen=True)
class MaskingTurn:
    """What a releaser process masks with.

    Attributes:
        link: The gate.
        sources: Its own registry, with credentials; their rules refer to the keys.
        releaser: Masks.
        folder: Where masked files lie until they were brought to the gate, encrypted by keys in this process's memory.
        records: What it has masked.
    """

    link: GateLink
    sources: Mapping[str, Source]
    releaser: DestinationReleaser
    folder: Path
    records: MaskedRecords

    def start(self) -> None:
        """Remove what an earlier process has left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.records.clear()

    def step(self, instance: str) -> bool:
        """Mask what there is to mask; say whether there was anything."""
        if not self.sources:
            return False
        return any(self._mask(each, instance) for each in self.link.maskings(list(self.sources)))

    def _mask(self, asked: Mapping[str, Any], instance: str) -> bool:
        request = str(asked.get("request"))
        if not _NAME.fullmatch(request):
            return False
        folder = self.folder / request
        try:
            fence = int(self.link.take_masking(request, instance)["fence"])
            self._carry_out(request, fence, asked, folder)
        except Conflict:
            return False  # Somebody else has it, or has taken over.
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def _carry_out(self, request: str, fence: int, asked: Mapping[str, Any], folder: Path) -> None:
        reach("after masking was taken")
        try:
            order = self._order(asked, folder)
            key = StagingKey.new(request)
            order = replace(order, key=key)
            masked = self.releaser.mask(order, _Rows(self.link, request, fence))
        except (Conflict, GateUnreachable):
            raise
        except MaskgateError as error:
            _LOG.warning("request %s is not masked: %s", request, error)
            self.link.end_masking(request, fence, "failed", str(error))
            return
        except Exception as error:  # noqa: BLE001  storage libraries raise what they like
            # The kind alone: a foreign message may hold data, or an address with a credential.
            why = f"the source could not be read ({type(error).__name__})."
            self.link.end_masking(request, fence, "failed", why)
            return
        reach("after masking")
        self.records.note(request, order.source.rules.digest, masked)
        for path in (*(file.path for file in masked.files), MANIFEST):
            with (folder / path).open("rb") as file:
                self.link.bring_masked(request, fence, path, cast("BinaryIO", DecryptedFile(file, key, path)))
            reach("while masked files are brought")
        self.link.finish_masking(request, fence, masked.as_json())

    def _order(self, asked: Mapping[str, Any], folder: Path) -> MaskOrder:
        source = self.sources.get(str(asked.get("source")))
        if source is None or asked.get("source_digest") != source.digest:
            raise Refused(
                "the source leads elsewhere at the releaser, or is masked by other rules there. Write the same tables "
                "and rules in gate.yaml and releaser.yaml."
            )
        tables = asked.get("tables")
        if not isinstance(tables, list) or not all(isinstance(name, str) for name in tables):
            raise Refused("the gate asks for tables that are none.")
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise DatasetError(f"the releaser cannot keep what it masks: {error.strerror}") from None
        return MaskOrder(source, tuple(tables), folder)


class _Rows:
    """Renews the lease while rows are masked."""

    def __init__(self, link: GateLink, request: str, fence: int) -> None:
        self._link, self._request, self._fence = link, request, fence
        self._at = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        reach("in masking")
        if time.monotonic() - self._at < _RENEW_SECONDS:
            return
        self._at = time.monotonic()
        self._link.renew_masking(self._request, self._fence, done, total)
