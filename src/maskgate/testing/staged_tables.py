"""Two small masked tables, and how a worker stages them; each step can be made to lie."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from maskgate.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maskgate.gate.staging import Staging
    from maskgate.rules import Rules

RULES_TEXT = """
version: 1
keys: {contact: env:MASKGATE_TEST_KEY}
domains:
  email: {scheme: hmac, key: contact, prefix: em_}
tables:
  customers:
    columns:
      email: {method: token, domain: email}
      full_name: {method: redact, with: "***"}
      ssn: drop
      country: keep
  orders:
    columns:
      email: {method: token, domain: email}
      amount: keep
"""


def sample_rules() -> Rules:
    """Return rules for the two tables."""
    return load_rules(RULES_TEXT)


def masked_tables(rows: int = 4) -> dict[str, pa.Table]:
    """Return the tables as the rules mask them, with a null in each column that may have one."""
    tokens = [f"em_{hashlib.sha256(str(row).encode()).hexdigest()[:32]}" for row in range(rows)]
    emails = pa.array([None if row % 4 == 1 else token for row, token in enumerate(tokens)], pa.string())
    names = pa.array([None if row % 4 == 2 else "***" for row in range(rows)], pa.string())  # noqa: PLR2004
    countries = pa.array([None if row % 4 == 3 else "NO" for row in range(rows)], pa.string())  # noqa: PLR2004
    return {
        "customers": pa.table({"email": emails, "full_name": names, "country": countries}),
        "orders": pa.table({"email": emails, "amount": pa.array(range(rows), pa.int64())}),
    }


def staged_bytes(tables: Mapping[str, pa.Table | Sequence[pa.Table]], rules: Rules, **parquet: Any) -> dict[str, bytes]:
    """Return the files of a staging by name, the manifest last.

    Args:
        tables: Each table, or its parts.
        rules: The rules that the manifest names.
        parquet: Further arguments for ``pyarrow.parquet.write_table``.
    """
    files: dict[str, bytes] = {}
    described: dict[str, Any] = {}
    for name, given in tables.items():
        parts = [given] if isinstance(given, pa.Table) else list(given)
        written = {f"{name}/part-{at:05}.parquet": _parquet(part, parquet) for at, part in enumerate(parts)}
        files |= written
        described[name] = {
            "rows": sum(part.num_rows for part in parts),
            "schema": [{"name": field.name, "type": str(field.type)} for field in _as_read(parts[0], parquet)],
            "files": [describe_file(path, content) for path, content in written.items()],
        }
    report = {
        name: {
            "rows": table["rows"],
            "columns": {column["name"]: {"method": "keep", "nulls": 0} for column in table["schema"]},
        }
        for name, table in described.items()
    }
    manifest = {
        "format": "maskgate-manifest/1",
        "rules": {"digest": rules.digest},
        "keys": {"contact": 1},
        "tables": described,
        "report": report,
    }
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def describe_file(path: str, content: bytes) -> dict[str, Any]:
    """Return what a manifest says about a file."""
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write_staged(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a staging as a worker does that reaches the folder."""
    for path, content in files.items():
        target = Path(folder, path)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def put_staged(staging: Staging, staging_id: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a staging through the gate."""
    for path, content in files.items():
        staging.put(staging_id, path, io.BytesIO(content))


def _as_read(table: pa.Table, options: Mapping[str, Any]) -> pa.Schema:
    """Return the schema that a reader sees: Parquet has its own names for what is in lists and maps."""
    return pq.read_schema(io.BytesIO(_parquet(table.slice(0, 0), options)))


def _parquet(table: pa.Table, options: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()
