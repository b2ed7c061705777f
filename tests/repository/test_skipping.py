from __future__ import annotations

import os
import subprocess
import sys

import pytest

SKIPPED = "import pytest\n\ndef test_page():\n    pytest.skip({!r})\n"
PART = "no browser here"
DATA = "these vectors are not here; MASKGATE_SHARED_DATA says where they are"


class TestSkipping:
    """Where something is missing, a test may be skipped; in continuous integration that is a failure."""

    @pytest.mark.parametrize(
        ("reason", "ci", "code"),
        [
            pytest.param(PART, "", 0, id="a part of the system, at home"),
            pytest.param(PART, "true", 1, id="a part of the system, in continuous integration"),
            pytest.param(DATA, "true", 0, id="data of others, in continuous integration"),
        ],
    )
    def test_a_skipped_test(self, root, tmp_path, reason, ci, code):
        (tmp_path / "conftest.py").write_text((root / "tests" / "conftest.py").read_text(encoding="utf-8"))
        (tmp_path / "test_page.py").write_text(SKIPPED.format(reason))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, "-c", os.devnull, tmp_path],
            env={**os.environ, "CI": ci},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert ("CI is set, and tests were skipped" in done.stdout) == bool(code)
