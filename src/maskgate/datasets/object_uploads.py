"""Uploads to object stores: finished to their end, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass
class Upload:
    """An object that is written; nobody sees it before it is closed.

    Attributes:
        file: What fsspec has opened.
        is_not_ours: Called if somebody else has stored it meanwhile; None where it need not be new.
    """

    file: BinaryIO
    is_not_ours: Callable[[], None] | None = None

    def write(self, data: Any) -> int:
        """Write some bytes of it."""
        return self.file.write(data)

    def flush(self) -> None:
        """Write what is waiting, as far as a store takes it."""
        self.file.flush()

    def close(self) -> None:
        """Store it."""
        to_its_end(self._store)

    def discard(self) -> None:
        """Store nothing."""
        discard_file(self.file)

    def _store(self) -> None:
        try:
            self.file.close()
        except FileExistsError:
            if self.is_not_ours is not None:
                self.is_not_ours()
            raise


def to_its_end(act: Callable[[], T]) -> T:
    """Do something to its end, also if the process is told to stop meanwhile, which it does then.

    An interrupt does not call a request back that is under way: who does not wait for it cannot know what it leaves.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="maskgate-store") as pool:
        # The pool waits at its end for a thread that it knows, and knows none that an interrupt has met at its start.
        pool.submit(bool).result()
        return pool.submit(act).result()


def discard_file(file: BinaryIO) -> None:
    """Close a file without storing it, where that can be."""
    discard = getattr(file, "discard", None)
    if discard is None:
        file.close()
        return
    discard()
    # Or else fsspec would finish the upload when the file is collected. A file in memory has nothing to finish.
    with suppress(AttributeError):
        file.closed = True  # type: ignore[misc]


def end_uploads(filesystem: Any, path: str, *, one_file: bool = False) -> None:
    """End what was begun at a place in S3 and never finished; other stores forget it by themselves.

    Args:
        filesystem: The store.
        path: A prefix, or the name of one object.
        one_file: Which of these it is.
    """
    if "s3" not in filesystem.protocol:
        return
    bucket, _, prefix = path.partition("/")
    # Some may write objects and not list uploads; then the bucket's lifecycle has to end them.
    with suppress(Exception):
        begun = filesystem.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix if one_file else f"{prefix}/")
        for each in begun.get("Uploads", ()):
            if one_file and each["Key"] != prefix:
                continue
            filesystem.call_s3("abort_multipart_upload", Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])
