"""How a request lives over time: who is involved and why, reminders, stand-ins, standing approvals, break-glass."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_requests_remind_at": ("requests", ["remind_at"]),
    "ix_requests_escalate_at": ("requests", ["escalate_at"]),
    "ix_requests_content_digest": ("requests", ["content_digest"]),
    "ix_delegations_delegate": ("delegations", ["delegate", "ends_at"]),
    "ix_standing_approvals_key": ("standing_approvals", ["key", "state"]),
    "ix_standing_approvals_state": ("standing_approvals", ["state"]),
    "ix_post_reviews_closed_at": ("post_reviews", ["closed_at"]),
}
_REQUESTS: dict[str, Any] = {
    "involvement": sa.JSON(),
    "code_version": sa.String(length=100),
    "remind_at": Moment(),
    "reminders": sa.Integer(),
    "escalate_at": Moment(),
    "escalated_at": Moment(),
    "earlier": sa.JSON(),
    "standing": sa.String(length=40),
}
_DECISIONS: dict[str, Any] = {
    "acting_for": sa.String(length=200),
    "standing": sa.String(length=80),
    "batch": sa.String(length=40),
    "break_glass": sa.Boolean(),
}


def upgrade() -> None:
    """Make columns, tables and indexes."""
    for table, columns in (("requests", _REQUESTS), ("decisions", _DECISIONS)):
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column("notices", sa.Column("kind", sa.String(length=30), nullable=True))
    op.create_table(
        "delegations",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("delegator", sa.String(length=200), nullable=False),
        sa.Column("delegate", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("begins_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_delegations"),
    )
    op.create_table(
        "standing_approvals",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("intent", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("decisions", sa.JSON(), nullable=False),
        sa.Column("signers", sa.JSON(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("ended_because", sa.Text()),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_standing_approvals_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_standing_approvals"),
    )
    op.create_table(
        "post_reviews",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.String(length=200), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment()),
        sa.Column("closed_by", sa.String(length=200)),
        sa.Column("finding", sa.Text()),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_post_reviews_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_post_reviews"),
    )
    for name, (table, indexed) in _INDEXES.items():
        op.create_index(name, table, indexed)


def downgrade() -> None:
    """Drop them; delegations and standing approvals are gone, and have to be made again."""
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
    for table in ("post_reviews", "standing_approvals", "delegations"):
        op.drop_table(table)
    op.drop_column("notices", "kind")
    for table, columns in (("decisions", _DECISIONS), ("requests", _REQUESTS)):
        for name in columns:
            op.drop_column(table, name)
