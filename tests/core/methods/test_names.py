"""The names of methods."""

from __future__ import annotations

import pytest

from maskgate.methods import METHODS
from maskgate.methods.names import NAMES


class TestNames:
    """Each name is that of one method, which is in the file of that name."""

    def test_are_in_order(self):
        assert list(NAMES) == sorted(set(NAMES))

    @pytest.mark.parametrize("name", NAMES)
    def test_are_those_that_methods_declare(self, name):
        assert METHODS[name].declaration.name == name
        assert METHODS[name].__module__ == f"maskgate.methods.{name}"

    def test_another_name_is_none(self):
        assert METHODS.get("redcat") is None
        with pytest.raises(KeyError):
            METHODS["registry"]
