from __future__ import annotations

import os
import subprocess
import sys

import pytest

SKIPPED = 'import pytest\n\ndef test_page():\n    pytest.skip("no browser here")\n'


class TestSkipping:
    """Where something is missing, a test may be skipped; in continuous integration that is a failure."""

    @pytest.mark.parametrize(
        ("ci", "code"), [pytest.param("", 0, id="at home"), pytest.param("true", 1, id="in continuous integration")]
    )
    def test_a_skipped_test(self, root, tmp_path, ci, code):
        (tmp_path / "conftest.py").write_text((root / "tests" / "conftest.py").read_text(encoding="utf-8"))
        (tmp_path / "test_page.py").write_text(SKIPPED)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, "-c", os.devnull, tmp_path],
            env={**os.environ, "CI": ci},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert ("CI is set, and tests were skipped" in done.stdout) == bool(ci)
