"""What the releaser masks itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "maskings",
        sa.Column("staging", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("source_digest", sa.String(length=80), nullable=False),
        sa.Column("rules", sa.String(length=80), nullable=False),
        sa.Column("tables", sa.JSON(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=60)),
        sa.Column("lease_until", Moment()),
        sa.Column("masked_at", Moment()),
        sa.Column("masked", sa.JSON()),
        sa.ForeignKeyConstraint(["staging"], ["stagings.id"], name="fk_maskings_staging_stagings"),
        sa.PrimaryKeyConstraint("staging", name="pk_maskings"),
    )
    op.create_index("ix_maskings_key", "maskings", ["key"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_maskings_key", "maskings")
    op.drop_table("maskings")
