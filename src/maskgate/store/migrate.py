"""Bringing the tables up to date, or back: one Alembic history, inside the package, with its own version table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from maskgate.errors import ConfigurationError, Problem
from maskgate.store.postgres import make_schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERSION_TABLE = "maskgate_version"
_NOT_PERMITTED = "42501"


def must_be_ours(work: Connection, name: str) -> bool:
    """Say whether the tables are up to date.

    Args:
        work: A transaction to read in.
        name: What to call the database.

    Raises:
        ConfigurationError: If a later version of Maskgate has made them.
    """
    found, scripts = _version(work), ScriptDirectory.from_config(_config(work))
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        message = f"the tables are of version {found!r}, which is later than this Maskgate. Install the later one."
        raise ConfigurationError(name, (Problem(message),))
    return found is not None and found == scripts.get_current_head()


def upgrade(work: Connection, name: str) -> None:
    """Run every migration that this database has not seen, in the caller's transaction.

    Raises:
        ConfigurationError: If a later version of Maskgate has made the tables, or this account may not change them.
    """
    if must_be_ours(work, name):
        return
    try:
        if work.dialect.name == "postgresql":
            make_schema(work, name)
        _without_limit(work)
        command.upgrade(_config(work), "head")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_PERMITTED:
            raise
        message = "the tables have to be made or changed, and this account may not. Start once as their owner."
        raise ConfigurationError(name, (Problem(message),)) from None


def downgrade(work: Connection, revision: str = "base") -> None:
    """Take migrations back, in the caller's transaction; what only later tables can hold is lost.

    Args:
        work: A writing transaction.
        revision: The version to go back to; ``base`` is before the first.
    """
    _without_limit(work)
    command.downgrade(_config(work), revision)


def _config(work: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "maskgate.store:migrations")
    config.attributes["connection"] = work
    return config


def _version(work: Connection) -> str | None:
    return MigrationContext.configure(work, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _without_limit(work: Connection) -> None:
    if work.dialect.name == "postgresql":
        work.execute(text("SET LOCAL statement_timeout = 0"))
