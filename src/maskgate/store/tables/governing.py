"""What the gate goes by, and the ledger of all that happened."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from maskgate.store.columns import Moment
from maskgate.store.tables.metadata import METADATA

ledger = Table(
    "ledger",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("type", String(60), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)

# The right edge of the Merkle tree, so that its root is known without reading the ledger.
frontier = Table(
    "frontier",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

settings = Table(
    "settings",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("value", JSON, nullable=False),
)

policies = Table(
    "policies",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("text", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("activated_at", Moment),
)

rules = Table(
    "rules",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("content", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("registered_at", Moment),
)

# Destinations that somebody has signed, or that the gate began with; others of the configuration are of no use.
destinations = Table(
    "destinations",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("id", String(200), nullable=False),
    Column("content", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("activated_at", Moment),
)

# Rotations and revocations of the gate's key, each signed by the key before it; nothing here is believed unverified.
key_statements = Table(
    "key_statements",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("statement", JSON, nullable=False),
)

# What a look at hosts and destinations found that no request explains, once each.
findings = Table(
    "findings",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("request", String(40)),
    Column("about", JSON, nullable=False),
    Column("found_at", Moment, nullable=False),
    Index("ix_findings_found_at", "found_at"),
)
