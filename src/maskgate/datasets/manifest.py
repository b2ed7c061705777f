"""The manifest: which files belong to a dataset, and what their bytes hash to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.datasets.run import MaskedTable
    from maskgate.rules import Rules

FORMAT = "maskgate-manifest/1"
NAME = "manifest.json"


def make_manifest(rules: Rules, tables: Mapping[str, MaskedTable]) -> dict[str, Any]:
    """Describe masked tables: digests, counts and names, no cell."""
    keys: dict[str, int] = {}
    for table in tables.values():
        keys |= table.plan.key_versions()
    return {
        "format": FORMAT,
        "rules": {"digest": rules.digest},
        "keys": dict(sorted(keys.items())),
        "tables": {name: _table(table) for name, table in sorted(tables.items())},
        "report": {name: table.report.as_json() for name, table in sorted(tables.items())},
    }


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Write a manifest as JSON; the same manifest always as the same bytes."""
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"


def _table(table: MaskedTable) -> dict[str, Any]:
    return {
        "rows": table.report.rows,
        "schema": [{"name": name, "type": kind} for name, kind in table.schema],
        "files": [dict(file) for file in table.files],
    }
