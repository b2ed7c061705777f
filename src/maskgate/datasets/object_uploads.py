"""Uploads to object stores that will not be finished."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, BinaryIO


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
