"""Bringing the tables up to date: one Alembic history, inside the package, with its own version table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from maskgate.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERSION_TABLE = "maskgate_version"


def upgrade(connection: Connection) -> None:
    """Run every migration that this database has not seen, in the caller's transaction.

    Raises:
        ConfigurationError: If a later version of Maskgate has made the database.
    """
    config = Config()
    config.set_main_option("script_location", "maskgate.store:migrations")
    config.attributes["connection"] = connection
    found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise ConfigurationError(
            str(connection.engine.url.database or "database"),
            (
                Problem(
                    f"the tables are of version {found!r}, which is later than this Maskgate. Install the later one."
                ),
            ),
        )
    if found != scripts.get_current_head():
        command.upgrade(config, "head")
