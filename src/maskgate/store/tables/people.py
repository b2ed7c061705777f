"""Who may ask and decide: tokens, logins, passkeys, delegations, and what people are told."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from maskgate.store.columns import Moment
from maskgate.store.tables.metadata import METADATA

tokens = Table(
    "tokens",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("name", String(60), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
)

# Who is logged in, by the hash of what the browser keeps: the rows alone let nobody in.
sessions = Table(
    "sessions",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("account", String(500), nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False, index=True),
    # what the identity provider said of the login; its access token only whoever has the cookie can read
    Column("proved_at", Moment),
    Column("methods", JSON),
    Column("context_class", String(200)),
    Column("groups_missing", Text),
    Column("access", LargeBinary),
)

used_logins = Table(
    "used_logins",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("used_at", Moment, nullable=False, index=True),
)

# Public keys with which people sign decisions.
passkeys = Table(
    "passkeys",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("credential", Text, nullable=False),
    Column("person", String(200), nullable=False, index=True),
    Column("account", String(500), nullable=False),
    Column("name", String(100), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
)

# What a passkey was asked to sign, until it has, or its time is over.
passkey_challenges = Table(
    "passkey_challenges",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("statement", JSON, nullable=False),
    Column("made_at", Moment, nullable=False, index=True),
)

# Who stands in for whom, from when until when.
delegations = Table(
    "delegations",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("delegator", String(200), nullable=False),
    Column("delegate", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("ix_delegations_delegate", "delegate", "ends_at"),
)

# What one person is to be told, beside how requests stand.
announcements = Table(
    "announcements",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("person", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, index=True),
)
