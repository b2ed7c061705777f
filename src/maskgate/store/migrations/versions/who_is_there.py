"""Who is there, and how sure that is: logins, passkeys, first views, and what people are told of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, dict[str, Any]] = {
    "sessions": {
        "proved_at": Moment(),
        "methods": sa.JSON(),
        "context_class": sa.String(length=200),
        "groups_missing": sa.Text(),
        "access": sa.LargeBinary(),
    },
    "decisions": {"circumstances": sa.JSON()},
    "requests": {"agent": sa.Boolean()},
}
_INDEXES = {
    "ix_passkeys_person": ("passkeys", ["person"]),
    "ix_passkey_challenges_made_at": ("passkey_challenges", ["made_at"]),
    "ix_announcements_due_at": ("announcements", ["due_at"]),
}


def upgrade() -> None:
    """Make columns, tables and indexes."""
    for table, columns in _COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_table(
        "views",
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_views_request_requests"),
        sa.PrimaryKeyConstraint("request", "person", name="pk_views"),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=False),
        sa.Column("used_at", Moment()),
        sa.Column("revoked_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
    )
    op.create_table(
        "passkey_challenges",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passkey_challenges"),
    )
    op.create_table(
        "announcements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_announcements"),
    )
    for name, (table, indexed) in _INDEXES.items():
        op.create_index(name, table, indexed)


def downgrade() -> None:
    """Drop them; passkeys have to be enrolled again."""
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
    for table in ("announcements", "passkey_challenges", "passkeys", "views"):
        op.drop_table(table)
    for table, columns in _COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
