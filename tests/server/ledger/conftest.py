from __future__ import annotations

import pytest

from maskgate.store import Store


@pytest.fixture
def store(database):
    opened = Store.open(database)
    yield opened
    opened.close()
