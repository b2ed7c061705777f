"""Where a releaser process has sealed copies from: a folder that the gate shares with it, or the gate over HTTP.

Neither is believed. What comes is hashed as it is written to the destination, and compared with what was signed.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from maskgate.errors import DatasetError, Refused
from maskgate.gate import no_follow
from maskgate.gate.staged_names import check_staged_name

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.gate.model import SealedFile
    from maskgate.gate.releaser import ReleaseOrder
    from maskgate.release.gate_link import GateLink

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

    def folder_of(self, request: str, copy: str) -> str:
        """Return where the sealed copy of a request is, or will be.

        Args:
            request: The request's id.
            copy: Which of the gate's copies of it.

        Raises:
            Refused: If they cannot be part of a path.
        """
        if not _NAME.fullmatch(request) or not _NAME.fullmatch(copy):
            raise Refused("a request's id is made of letters, digits, `_` and `-`.")
        return str(self._spool / request if self._shared is None else self._shared / request / copy)

    def bring(self, link: GateLink, order: ReleaseOrder) -> None:
        """Fetch what is not shared.

        Raises:
            Refused: If a file is larger than what was signed, or its name cannot be used.
            GateUnreachable: If it does not come.
        """
        if self._shared is not None:
            return
        self.remove(order.request)
        root = self._spool / order.request
        try:
            root.mkdir(mode=0o700, parents=True)
            for file in order.sealed.files:
                self._fetch(link, order, file)
        except OSError as error:
            raise DatasetError(f"the releaser cannot keep what it fetches: {error.strerror}") from None

    def remove(self, request: str) -> None:
        """Remove what was fetched for a request."""
        if self._shared is None and _NAME.fullmatch(request):
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
        size = 0
        with open(descriptor, "wb") as target:  # noqa: PTH123  by its descriptor
            for chunk in link.file(order.request, order.fence, file.path):
                size += len(chunk)
                if size > file.size:
                    raise Refused(f"the gate sends more of {file.path} than was signed.")
                target.write(chunk)
