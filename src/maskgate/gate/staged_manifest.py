"""What a staging says of itself: one manifest for all, or one for each table.

``manifest.json`` names ``<table>/part-00000.parquet``, …: so several tables are masked together. Masking one table
writes a folder of parts with a manifest of its own, and that folder may be the staging itself or ``<table>/`` in it::

    stg_…/manifest.json  stg_…/part-00000.parquet                           one table
    stg_…/customers/manifest.json  stg_…/customers/part-00000.parquet  …    several, masked one by one

Sealed are always one manifest and folders of tables. Either there is one for all, or every table has its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.errors import Refused
from maskgate.gate.manifest import Manifest, check_paths, parse_manifest
from maskgate.gate.staged_names import MANIFEST, shown
from maskgate.gate.staging import LARGEST_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from maskgate.gate.staging import Staging

_CHUNK = 1 << 20


@dataclass(frozen=True)
class StagedManifest:
    """What is staged, as it will be sealed.

    Attributes:
        manifest: All of it.
        places: Where in the staging each file lies, by the path that it gets in the sealed copy.
        names: The files of the staging that it was read from.
        digest: SHA-256 of these, as they were staged.
    """

    manifest: Manifest
    places: Mapping[str, str]
    names: frozenset[str]
    digest: str


def read_manifest(staging: Staging, staging_id: str) -> StagedManifest:
    """Read what a staging says of itself.

    Raises:
        Refused: If it says nothing, or not exactly what it has to.
    """
    own = manifests_of(staging.names(staging_id))
    if own == [MANIFEST]:
        text = _text(staging, staging_id, MANIFEST, LARGEST_MANIFEST)
        manifest = parse_manifest(text)
        places = {file.path: file.path.rpartition("/")[2] if manifest.is_bare else file.path for file in manifest.files}
        return StagedManifest(manifest, places, frozenset({MANIFEST}), hashlib.sha256(text).hexdigest())
    if not own:
        raise Refused(f"the staging has no {MANIFEST}. Stage it last, after the files that it names.")
    hashed = hashlib.sha256()
    manifest = _joined(_each(staging, staging_id, own, hashed.update))
    places = {file.path: file.path for file in manifest.files}
    return StagedManifest(manifest, places, frozenset(own), hashed.hexdigest())


def manifests_of(staged: Collection[str]) -> list[str]:
    """Return which of the staged files say what is staged: the one for all, or else each table's own, in order."""
    return [MANIFEST] if MANIFEST in staged else sorted(name for name in staged if name.endswith(f"/{MANIFEST}"))


def _each(staging: Staging, staging_id: str, names: list[str], note: Callable[[bytes], object]) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    left = LARGEST_MANIFEST
    for name in names:
        text = _text(staging, staging_id, name, left)
        note(text)
        left -= len(text)
        folder = name.rpartition("/")[0]
        found[folder] = manifest = parse_manifest(text)
        if not manifest.is_bare or manifest.tables[0].name != folder:
            raise Refused(
                f"{shown(name)} is not the manifest of the one table {shown(folder)}. Give a folder the name of its "
                f"table, or stage one {MANIFEST} for all."
            )
    return found


def _joined(manifests: Mapping[str, Manifest]) -> Manifest:
    rules = {manifest.rules_digest for manifest in manifests.values()}
    if len(rules) > 1:
        raise Refused("the tables of the staging were masked by different rules. Mask all of them by the same ones.")
    keys: dict[str, int] = {}
    for manifest in manifests.values():
        for name, version in manifest.key_versions.items():
            if keys.setdefault(name, version) != version:
                raise Refused(
                    f"the tables of the staging were masked with two versions of the key {shown(name)}. "
                    "Mask all of them with the same one."
                )
    tables = sorted((table for manifest in manifests.values() for table in manifest.tables), key=lambda each: each.name)
    joined = Manifest(rules.pop(), dict(sorted(keys.items())), tuple(tables))
    check_paths(joined)
    return joined


def _text(staging: Staging, staging_id: str, name: str, most: int) -> bytes:
    text = b""
    with staging.read(staging_id, name) as stream:
        while chunk := stream.read(_CHUNK):
            text += chunk
            if len(text) > most:
                raise Refused(f"{MANIFEST} is larger than {LARGEST_MANIFEST} bytes. Stage fewer, larger parts.")
    return text
