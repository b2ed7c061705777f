"""Fixtures for the primitives."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def wycheproof():
    """Give the groups of a file of C2SP Wycheproof vectors, which are no part of the repository, or skip."""

    def groups(name):
        file = Path(os.environ.get("MASKGATE_SHARED_DATA", _BESIDE)) / "vectors" / name
        if not file.is_file():
            pytest.skip(f"{name} of C2SP Wycheproof is not here; MASKGATE_SHARED_DATA says where it is")
        return json.loads(file.read_text())["testGroups"]

    return groups
