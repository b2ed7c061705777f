"""What left before, for rolling sums; and destinations that somebody has signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "volumes",
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("dataset", sa.String(length=300), nullable=False),
        sa.Column("destination", sa.String(length=200), nullable=False),
        sa.Column("requester", sa.String(length=300), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("columns", sa.Integer()),
        sa.Column("column_names", sa.JSON(), nullable=False),
        sa.Column("rules_digest", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_volumes_request_requests"),
        sa.PrimaryKeyConstraint("request", "dataset", name="pk_volumes"),
    )
    op.create_index("ix_volumes_dataset", "volumes", ["dataset", "destination", "asked_at"])
    op.create_index("ix_volumes_requester", "volumes", ["requester", "asked_at"])
    op.create_index("ix_volumes_asked_at", "volumes", ["asked_at"])
    op.create_table(
        "destinations",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("activated_at", Moment()),
        sa.PrimaryKeyConstraint("digest", name="pk_destinations"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("destinations")
    op.drop_table("volumes")
