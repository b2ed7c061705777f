"""Names of methods for those who load none are those of the registry."""

from __future__ import annotations

from maskgate.methods import METHODS
from maskgate.methods.names import NAMES


def test_names():
    assert tuple(METHODS) == NAMES
