"""Writes a masked DataFrame as Parquet with a manifest: Spark writes the files, executors hash them."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from maskgate.datasets.files import InputFile
from maskgate.datasets.finding import find_files
from maskgate.datasets.manifest import NAME, make_manifest, manifest_bytes
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.datasets.run import MaskedTable
from maskgate.datasets.storage_errors import translated
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from maskgate.engines.spark.dataframe import SparkMasking

_PORTION = 1 << 20


def write_parquet(masking: SparkMasking, target: str | os.PathLike[str]) -> dict[str, Any]:
    """Write the files, and the manifest last.

    Raises:
        UsageError: If it names no place.
        DatasetError: If something is there already, or it cannot be written.
    """
    place = os.fspath(target)
    if not place:
        raise UsageError("the target is no path and no URI.")
    shown = without_credentials(place)
    filesystem, folder = connect(place if "://" in place else f"file://{os.path.abspath(place)}")  # noqa: PTH100
    uri = place if "://" in place else f"file://{folder}"
    _claim(shown, filesystem, folder)
    try:
        manifest = _written(masking, uri)
        translated(shown, lambda: filesystem.pipe_file(f"{folder}/{NAME}", manifest_bytes(manifest)))
    except BaseException:
        # Spark leaves a folder behind when a task fails.
        translated(shown, lambda: filesystem.exists(folder) and filesystem.rm(folder, recursive=True))
        raise
    return manifest


def _claim(shown: str, filesystem: Any, folder: str) -> None:
    """Make the folder, so that of two runs one has it; an object store has no folders, and is looked at."""
    if translated(shown, lambda: filesystem.exists(folder)):
        raise DatasetError(f"{shown}: something is there already. Choose another target, or remove it first.")
    if "file" in filesystem.protocol:
        translated(shown, lambda: filesystem.mkdir(folder))


def _written(masking: SparkMasking, uri: str) -> dict[str, Any]:
    report = masking.report_on(lambda: masking.dataframe.write.mode("append").parquet(uri))
    schema = tuple((item.name, str(item.type)) for item in masking.plan.output_schema)
    table = MaskedTable(masking.plan, schema, tuple(_hashed(masking, uri)), report, None)
    return make_manifest(masking.rules, {masking.plan.table: table})


def _hashed(masking: SparkMasking, uri: str) -> list[dict[str, Any]]:
    """Hash every file where Spark has cores to do it."""
    found = [_uri_of(uri, file) for file in find_files(uri, lambda _: True)]
    context = masking.dataframe.sparkSession.sparkContext
    return sorted(
        context.parallelize(found, max(1, min(len(found), 1000))).map(_file_entry).collect(),
        key=lambda file: str(file["path"]),
    )


def _uri_of(folder: str, file: InputFile) -> str:
    return f"{folder.rstrip('/')}/{file.basename}"


def _file_entry(uri: str) -> dict[str, Any]:
    filesystem, path = connect(uri)
    file = InputFile(path, filesystem=filesystem)
    digest, size = hashlib.sha256(), 0
    with file.open() as opened:
        while portion := opened.read(_PORTION):
            digest.update(portion)
            size += len(portion)
    return {"path": file.basename, "size": size, "sha256": digest.hexdigest()}
