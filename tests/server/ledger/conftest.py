from __future__ import annotations

import pytest

from maskgate.store import Store


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "gate.db")
    yield opened
    opened.close()
