from __future__ import annotations

import pytest

from maskgate.testing.new_store import open_store


@pytest.fixture
def store(database):
    opened = open_store(database)
    yield opened
    opened.close()
