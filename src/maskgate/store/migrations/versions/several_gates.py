"""What several gates share: logins, leases of sealings; and indexes for many requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_requests_state_created_at": ("requests", ["state", "created_at", "id"]),
    "ix_requests_created_at": ("requests", ["created_at", "id"]),
    "ix_requests_state_expires_at": ("requests", ["state", "expires_at"]),
    "ix_requests_wake_after": ("requests", ["wake_after"]),
    "ix_requests_staging": ("requests", ["staging"]),
    "ix_grants_state_lease_until": ("grants", ["state", "lease_until"]),
}


def upgrade() -> None:
    """Make tables and indexes."""
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=500), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("authenticated_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_used_at", "sessions", ["used_at"])
    op.create_table(
        "used_logins",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_used_logins"),
    )
    op.create_index("ix_used_logins_used_at", "used_logins", ["used_at"])
    op.create_table(
        "sealings",
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=60), nullable=False),
        sa.Column("lease_until", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_sealings_request_requests"),
        sa.PrimaryKeyConstraint("request", name="pk_sealings"),
    )
    op.drop_index("ix_requests_state", "requests")
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Drop them; whoever is logged in has to log in again."""
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
    op.create_index("ix_requests_state", "requests", ["state"])
    for table in ("sealings", "used_logins", "sessions"):
        op.drop_table(table)
