"""What people sign, and what that permits: views, decisions, standing approvals, break-glass, grants."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from maskgate.store.columns import Moment
from maskgate.store.tables.metadata import METADATA

# When somebody first saw the page of a request.
views = Table(
    "views",
    METADATA,
    Column("request", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

decisions = Table(
    "decisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("person", String(200), nullable=False),
    Column("account", String(500), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("slots", JSON, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("acting_for", String(200)),
    Column("standing", String(80)),
    Column("batch", String(40)),
    Column("break_glass", Boolean),
    # how sure it is who decided, and whether they looked: login, passkey, first view
    Column("circumstances", JSON),
    UniqueConstraint("request", "person"),
)

# Signed once for many exports of one kind; `key` is the digest of what they have in common.
standing_approvals = Table(
    "standing_approvals",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("key", String(80), nullable=False),
    Column("intent", JSON, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("decisions", JSON, nullable=False),
    Column("signers", JSON, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_because", Text),
    Index("ix_standing_approvals_key", "key", "state"),
    Index("ix_standing_approvals_state", "state"),
)

# What has to be looked at after a break-glass; while one is open there is no other.
post_reviews = Table(
    "post_reviews",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("person", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ticket", String(200), nullable=False),
    Column("skipped", JSON, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", String(200)),
    Column("finding", Text),
    Index("ix_post_reviews_closed_at", "closed_at"),
)

grants = Table(
    "grants",
    METADATA,
    Column("id", String(60), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("envelope", JSON, nullable=False),
    Column("release_name", String(120), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("not_after", Moment, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("lease_until", Moment),
    Column("worker", String(60)),
    Column("receipt", JSON),
    Index("ix_grants_state_lease_until", "state", "lease_until"),
)
