"""Where Presidio is not installed, its engine says so."""

from __future__ import annotations

import importlib.util

import pyarrow as pa
import pytest

from maskgate.errors import UsageError
from maskgate.methods import METHODS, Surroundings


class TestWithoutPresidio:
    def test_the_first_text_says_what_to_install(self):
        """The environment of these tests is without it."""
        assert importlib.util.find_spec("presidio_analyzer") is None
        method = METHODS["scrub"].configure({"engine": "presidio"}, None)
        with pytest.raises(UsageError) as error:
            method.apply(pa.array(["x"]), Surroundings("customers", "notes"))
        assert str(error.value) == "`engine: presidio` needs Presidio: pip install 'maskgate[presidio]'"
