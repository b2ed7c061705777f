"""Writes a masked DataFrame as Parquet with a manifest: Spark writes the files, executors hash them."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from maskgate.datasets.files import InputFile
from maskgate.datasets.finding import find_files
from maskgate.datasets.manifest import FORMAT, NAME, manifest_bytes
from maskgate.datasets.object_store import connect, without_credentials
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.engines.spark.dataframe import SparkMasking

_PORTION = 1 << 20


def write_parquet(masking: SparkMasking, target: str | os.PathLike[str]) -> dict[str, Any]:
    """Write the files, and the manifest last.

    Raises:
        DatasetError: If something is there already, or it cannot be written.
    """
    place = os.fspath(target)
    shown = without_credentials(place)
    filesystem, folder = connect(place if "://" in place else f"file://{os.path.abspath(place)}")  # noqa: PTH100
    uri = place if "://" in place else f"file://{folder}"
    _claim(shown, filesystem, folder)
    try:
        manifest = _written(masking, uri)
        _reached(shown, lambda: filesystem.pipe_file(f"{folder}/{NAME}", manifest_bytes(manifest)))
    except BaseException:
        # Spark leaves a folder behind when a task fails.
        _reached(shown, lambda: filesystem.exists(folder) and filesystem.rm(folder, recursive=True))
        raise
    return manifest


def _claim(shown: str, filesystem: Any, folder: str) -> None:
    """Make the folder, so that of two runs one has it; an object store has no folders, and is looked at."""
    is_there = _reached(shown, lambda: bool(filesystem.exists(folder)))
    if not is_there and "file" in filesystem.protocol:
        try:
            filesystem.mkdir(folder)
        except FileExistsError:
            is_there = True
    if is_there:
        raise DatasetError(f"{shown}: something is there already. Choose another target, or remove it first.")


def _written(masking: SparkMasking, uri: str) -> dict[str, Any]:
    report = masking.report_on(lambda: masking.dataframe.write.mode("append").parquet(uri))
    files = _hashed(masking, uri)
    schema = [{"name": item.name, "type": str(item.type)} for item in masking.plan.output_schema]
    name = masking.plan.table
    return {
        "format": FORMAT,
        "rules": {"digest": masking.rules.digest},
        "keys": dict(sorted(masking.plan.key_versions().items())),
        "tables": {name: {"rows": report.rows, "schema": schema, "files": files}},
        "report": {name: report.as_json()},
    }


def _hashed(masking: SparkMasking, uri: str) -> list[dict[str, Any]]:
    """Hash every file where Spark has cores to do it."""
    found = [_uri_of(uri, file) for file in find_files(uri, lambda _: True)]
    context = masking.dataframe.sparkSession.sparkContext
    return sorted(
        context.parallelize(found, max(1, min(len(found), 1000))).map(_file_entry).collect(),
        key=lambda file: str(file["path"]),
    )


def _uri_of(folder: str, file: InputFile) -> str:
    return f"{folder.rstrip('/')}/{file.suffixed}"


def _file_entry(uri: str) -> dict[str, Any]:
    filesystem, path = connect(uri)
    file = InputFile(path, filesystem=filesystem)
    digest, size = hashlib.sha256(), 0
    with file.open() as opened:
        while portion := opened.read(_PORTION):
            digest.update(portion)
            size += len(portion)
    return {"path": file.suffixed, "size": size, "sha256": digest.hexdigest()}


def _reached(shown: str, act: Callable[[], Any]) -> Any:
    failure = ""
    try:
        return act()
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = type(error).__name__
    raise DatasetError(f"{shown}: it cannot be reached ({failure}).")
