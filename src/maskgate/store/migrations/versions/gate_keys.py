"""Statements about the gate's keys: which took the place of which, and which were revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "key_statements",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("statement", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_key_statements"),
    )


def downgrade() -> None:
    """Drop it; the ledger keeps the statements."""
    op.drop_table("key_statements")
