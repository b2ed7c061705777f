"""In continuous integration nothing may be skipped: a missing browser there is a mistake, not a circumstance."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("CI is set, and tests were skipped: install what they miss", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
