"""What a look at hosts and destinations found that no request explains; and data keys of encrypted stagings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "findings",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("request", sa.String(length=40)),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("found_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_findings"),
    )
    op.create_index("ix_findings_found_at", "findings", ["found_at"])
    op.create_table(
        "staging_keys",
        sa.Column("staging", sa.String(length=80), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("staging", name="pk_staging_keys"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("staging_keys")
    op.drop_table("findings")
