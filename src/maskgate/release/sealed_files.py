"""Where a releaser process has sealed copies from: a folder that the gate shares with it, or the gate over HTTP.

Neither is believed. What comes is hashed as it is written to the destination, and compared with what was signed.
What is fetched lies encrypted, by a key that this process alone has in its memory.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

from maskgate.errors import DatasetError, Refused
from maskgate.gate import no_follow
from maskgate.gate.staged_names import check_staged_name
from maskgate.gate.staging_cipher import Encrypting, StagingKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from maskgate.gate.model import SealedFile
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.gate_link import GateLink

_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


class SealedFiles:
    """Sealed copies of requests.

    Args:
        spool: A folder of the releaser alone, for what it fetches.
        shared: The gate's folder of sealed copies, if it can be read here.
    """

    def __init__(self, spool: Path, shared: Path | None = None) -> None:
        self._spool = spool
        self._shared = shared
        self._key = StagingKey.new("spool")

    def folder_of(self, request: str, copy: str, *, encrypted: bool = False) -> str:
        """Return where the sealed copy of a request is, or will be.

        Args:
            request: The request's id.
            copy: Which of the gate's copies of it.
            encrypted: Whether that lies encrypted, so that only the gate can read it.

        Raises:
            Refused: If they cannot be part of a path.
        """
        if not _NAME.fullmatch(request) or not _NAME.fullmatch(copy):
            raise Refused("a request's id is made of letters, digits, `_` and `-`.")
        is_shared = self._shared is not None and not encrypted
        return str(self._shared / request / copy if self._shared and is_shared else self._spool / request)

    def bring(self, link: GateLink, order: ReleaseOrder) -> ReleaseOrder:
        """Fetch what is not shared; return the order with what reads it.

        Raises:
            Refused: If a file is larger than what was signed, or its name cannot be used.
            GateUnreachable: If it does not come.
        """
        root = self._spool / order.request
        if order.sealed.folder != str(root):
            return order
        self.remove(order.request)
        try:
            root.mkdir(mode=0o700, parents=True)
            for file in order.sealed.files:
                self._fetch(link, order, file)
        except OSError as error:
            raise DatasetError(f"the releaser cannot keep what it fetches: {error.strerror}") from None
        return replace(order, sealed=replace(order.sealed, key=self._key))

    def remove(self, request: str) -> None:
        """Remove what was fetched for a request."""
        if _NAME.fullmatch(request):
            shutil.rmtree(self._spool / request, ignore_errors=True)

    def clear(self) -> None:
        """Remove all that an earlier process has fetched."""
        shutil.rmtree(self._spool, ignore_errors=True)
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _fetch(self, link: GateLink, order: ReleaseOrder, file: SealedFile) -> None:
        check_staged_name(file.path)
        path = self._spool / order.request / file.path
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with no_follow.root_folder(str(path.parent)) as folder:
            descriptor = no_follow.create(folder, path.name, 0o600)
        fetched = cast("BinaryIO", _Fetched(link.file(order.request, order.fence, file.path)))
        encrypting = Encrypting(fetched, self._key, file.path, file.size)
        with open(descriptor, "wb") as target:  # noqa: PTH123  by its descriptor
            while chunk := encrypting.read(_CHUNK):
                target.write(chunk)


class _Fetched:
    """What comes from the gate, as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, most: int) -> bytes:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        taken, self._rest = self._rest[:most], self._rest[most:]
        return taken
