"""Which staged manifest a request was asked for with, and which stagings were given a request that was open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make column and table."""
    op.add_column("requests", sa.Column("manifest", sa.String(length=64)))
    op.create_index("ix_requests_manifest", "requests", ["manifest"])
    op.create_table(
        "asked_again",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("staging", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_asked_again_request_requests"),
        sa.ForeignKeyConstraint(["staging"], ["stagings.id"], name="fk_asked_again_staging_stagings"),
        sa.PrimaryKeyConstraint("key", name="pk_asked_again"),
    )
    op.create_index("ix_asked_again_request", "asked_again", ["request"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_asked_again_request", "asked_again")
    op.drop_table("asked_again")
    op.drop_index("ix_requests_manifest", "requests")
    with op.batch_alter_table("requests") as batch:
        batch.drop_column("manifest")
