"""In continuous integration nothing may be skipped: a missing browser there is a mistake, not a circumstance.

The one exception is third-party data that is no part of this repository; MASKGATE_SHARED_DATA says where it is.
"""

from __future__ import annotations

import os

import pytest

EXCEPTION = "MASKGATE_SHARED_DATA"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report for report in reporter.stats.get("skipped", []) if EXCEPTION not in str(report.longrepr)]
    if os.environ.get("CI") and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("CI is set, and tests were skipped: install what they miss", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
