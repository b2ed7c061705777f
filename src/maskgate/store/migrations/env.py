"""How Alembic runs a migration: on the connection, and in the transaction, that it was given."""

from __future__ import annotations

from alembic import context

from maskgate.store.migrate import VERSION_TABLE
from maskgate.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()
