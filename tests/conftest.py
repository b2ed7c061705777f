"""In continuous integration nothing may be skipped: a missing browser there is a mistake, not a circumstance.

The one exception is third-party data that is no part of this repository; MASKGATE_SHARED_DATA says where it is.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

EXCEPTION = "MASKGATE_SHARED_DATA"


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server on loopback; tests make databases of their own in it."""
    with ExitStack() as stack:
        try:
            from maskgate.testing.postgres_server import postgres_server  # noqa: PLC0415  not in every environment

            server = stack.enter_context(postgres_server())
        except ModuleNotFoundError as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture
def postgres_url(postgres):
    """A PostgreSQL database with the gate's tables in it, and nothing else."""
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, tmp_path):
    """Where a test's database is: each test runs on both."""
    return tmp_path / "gate.db" if request.param == "SQLite" else request.getfixturevalue("postgres_url")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report for report in reporter.stats.get("skipped", []) if EXCEPTION not in str(report.longrepr)]
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("CI is set, and tests were skipped: install what they miss", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
