"""Actions that are no release of staged files: what they are about, with which arguments, and who carries them out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, Any] = {
    "resource": sa.String(length=500),
    "arguments": sa.JSON(),
    "level": sa.String(length=20),
}


def upgrade() -> None:
    """Make the columns."""
    for name, kind in _COLUMNS.items():
        op.add_column("requests", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Take the columns away."""
    for name in reversed(_COLUMNS):
        op.drop_column("requests", name)
