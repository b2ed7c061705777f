"""What is staged for a request: its folder, its key, and what the releaser masks into it."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from maskgate.store.columns import Moment
from maskgate.store.tables.metadata import METADATA

stagings = Table(
    "stagings",
    METADATA,
    Column("id", String(80), primary_key=True),
    Column("root", String(60), nullable=False),
    Column("token", String(60), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("deleted_at", Moment),
)

# The key of each encrypted staging, wrapped by a key that is not here; a row that is gone makes its files unreadable.
staging_keys = Table(
    "staging_keys",
    METADATA,
    Column("staging", String(80), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

# What the releaser masks itself: from which source, who is at it, and what it says of it once it is done.
maskings = Table(
    "maskings",
    METADATA,
    Column("staging", String(80), ForeignKey("stagings.id"), primary_key=True),
    Column("key", String(80), nullable=False),
    Column("source", String(60), nullable=False),
    Column("source_digest", String(80), nullable=False),
    Column("rules", String(80), nullable=False),
    Column("tables", JSON, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", String(60)),
    Column("lease_until", Moment),
    Column("masked_at", Moment),
    Column("masked", JSON),
    Index("ix_maskings_key", "key"),
)
