"""Mask tables in the worker and stage them at the gate, before anything travels to another task.

What both Airflow's and Prefect's adapter do: open a staging, write the masked tables into it, and return what may
travel, which is an id and counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from logging import Logger, LoggerAdapter

    from maskgate.datasets import MaskedBundle
    from maskgate.gate.client import GateClient
    from maskgate.keys import KeyRing
    from maskgate.rules import Rules

    Log = Logger | LoggerAdapter[Any]

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Staged:
    """Masked tables that wait at the gate.

    Attributes:
        staging: The staging id.
        uri: Where the files are, if the worker can reach it.
        bundle: What was masked, as counts and digests.
    """

    staging: str
    uri: str | None
    bundle: MaskedBundle

    @property
    def lineage(self) -> dict[str, Any]:
        """Which column became which, by which method, domain and key version. No values."""
        tables = [{"table": name, **described} for name, described in self.bundle.tables.items()]
        return {"rules_digest": self.bundle.manifest["rules"]["digest"], "tables": tables}

    def as_reference(self) -> dict[str, Any]:
        """Return what travels between tasks: an id and counts."""
        tables = self.bundle.manifest["tables"]
        return {"staging": self.staging, "tables": {name: {"rows": table["rows"]} for name, table in tables.items()}}


def stage_masked(
    gate: GateClient,
    sources: Mapping[str, Any],
    rules: str | os.PathLike[str] | Rules,
    log: Log,
    keys: KeyRing | None = None,
) -> Staged:
    """Mask tables by the rules file into a new staging.

    The worker writes into the staging itself where it reaches it (a shared volume, a bucket), and sends the files up
    over HTTP where it does not.

    Args:
        gate: Where to stage.
        sources: For each table of the rules a URI, or a table, frame or reader.
        rules: The rules file, or what it says.
        log: Told of the progress.
        keys: The keys; None to resolve the references in the rules.

    Raises:
        MaskgateError: If the rules do not fit, or the data cannot be read; then nothing was staged.
    """
    # Late: whoever only asks or releases, and whoever only reads the workflow's file, needs no pyarrow.
    from maskgate.datasets import mask_bundle  # noqa: PLC0415
    from maskgate.datasets.progress import every_few_seconds  # noqa: PLC0415
    from maskgate.rules import Rules, load_rules  # noqa: PLC0415

    loaded = rules if isinstance(rules, Rules) else load_rules(rules)
    report = every_few_seconds(lambda progress: log.info("%s", progress))
    opened = gate.open_staging()
    log.info("staging %s", opened["id"])
    shared = _reachable(opened)
    if shared is not None:
        return Staged(opened["id"], shared, mask_bundle(sources, shared, loaded, keys=keys, progress=report))
    with TemporaryDirectory(prefix="maskgate-") as folder:
        target = Path(folder, "masked")
        target.mkdir(mode=0o700)
        bundle = mask_bundle(sources, target, loaded, keys=keys, progress=report)
        _send_up(gate, opened["id"], target, bundle, log)
    return Staged(opened["id"], None, bundle)


def _reachable(opened: Mapping[str, Any]) -> str | None:
    """Say where the worker may write: a folder that is really there, or an object store."""
    uri = opened.get("uri")
    if not uri or opened.get("upload"):
        return None
    return str(uri) if "://" in uri or Path(uri).is_dir() else None


def _send_up(gate: GateClient, staging: str, folder: Path, bundle: MaskedBundle, log: Log) -> None:
    """Send the files, and last of all the manifest that names them."""
    names = [file["path"] for table in bundle.manifest["tables"].values() for file in table["files"]]
    for name in [*names, _MANIFEST]:
        sent = gate.upload(staging, name, folder / name)
        log.info("sent %s, %s bytes", name, sent["size"])
