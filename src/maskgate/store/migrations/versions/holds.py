"""Until when what was signed is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_IS_HELD = sa.text("held_until IS NOT NULL")


def upgrade() -> None:
    """Make the column; few requests are held, so the index holds only those."""
    op.add_column("requests", sa.Column("held_until", Moment()))
    op.create_index(
        "ix_requests_held_until", "requests", ["held_until"], postgresql_where=_IS_HELD, sqlite_where=_IS_HELD
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_requests_held_until", "requests")
    with op.batch_alter_table("requests") as batch:
        batch.drop_column("held_until")
