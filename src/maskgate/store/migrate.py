"""Bringing the tables up to date, or back: one Alembic history, inside the package, with its own version table."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError

from maskgate.errors import ConfigurationError, Problem
from maskgate.store.postgres import make_schema

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

VERSION_TABLE = "maskgate_version"
_NOT_PERMITTED = "42501"
_STATED = re.compile(r'^revision = "([0-9]+)"$', re.MULTILINE)


def must_be_ours(work: Connection, name: str) -> bool:
    """Say whether the tables are up to date.

    Args:
        work: A transaction to read in.
        name: What to call the database.

    Raises:
        ConfigurationError: If a later version of Maskgate has made them.
    """
    found, known = _version(work), known_versions()
    if found is not None and found not in known:
        message = f"the tables are of version {found!r}, which is later than this Maskgate. Install the later one."
        raise ConfigurationError(name, (Problem(message),))
    return found == known[-1]


def known_versions() -> list[str]:
    """List the versions that migrations lead to, in order, without loading what migrates: most starts need it not."""
    scripts = files("maskgate.store.migrations.versions").iterdir()
    stated = (_STATED.search(each.read_text(encoding="utf-8")) for each in scripts if each.name.endswith(".py"))
    return sorted(each.group(1) for each in stated if each is not None)


def upgrade(work: Connection, name: str) -> None:
    """Run every migration that this database has not seen, in the caller's transaction.

    Raises:
        ConfigurationError: If a later version of Maskgate has made the tables, or this account may not change them.
    """
    if must_be_ours(work, name):
        return
    from alembic import command  # noqa: PLC0415  loaded only where there is something to migrate

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
    from alembic import command  # noqa: PLC0415  likewise

    _without_limit(work)
    command.downgrade(_config(work), revision)


def _config(work: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415  likewise

    config = Config()
    config.set_main_option("script_location", "maskgate.store:migrations")
    config.attributes["connection"] = work
    return config


def _version(work: Connection) -> str | None:
    if not inspect(work).has_table(VERSION_TABLE):
        return None
    found: str | None = work.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a name of ours
    return found


def _without_limit(work: Connection) -> None:
    if work.dialect.name == "postgresql":
        work.execute(text("SET LOCAL statement_timeout = 0"))
