"""An index for reading the requests of one token page by page."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("ix_requests_token_created_at", "requests", ["token", "created_at", "id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_requests_token_created_at", "requests")
