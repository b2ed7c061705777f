from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def _tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return tuple(path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def tracked() -> tuple[Path, ...]:
    """The files that are in the repository, or will be."""
    return _tracked()


@pytest.fixture
def texts(tracked) -> dict[str, str]:
    """The contents of the text files, by name."""
    found = {}
    for path in tracked:
        content = path.read_bytes()
        if b"\0" not in content:
            found[path.relative_to(ROOT).as_posix()] = content.decode()
    return found
