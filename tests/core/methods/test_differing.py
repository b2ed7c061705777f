"""That texts differ is said only of those that do."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.methods.differing import surely_differ

TOKENS = [f"em_{number:032x}" for number in range(1000)]


class TestSurelyDiffer:
    @pytest.mark.parametrize(
        "texts",
        [
            pytest.param([], id="no texts"),
            pytest.param([TOKENS[0]], id="one"),
            pytest.param([TOKENS[0], TOKENS[0]], id="two that are equal"),
            pytest.param([*TOKENS, TOKENS[500]], id="one of many a second time"),
            pytest.param([*TOKENS, None], id="a null"),
            pytest.param(["a", "b"], id="short ones"),
            pytest.param([TOKENS[0], TOKENS[1] + "0"], id="ones of different lengths"),
            pytest.param(["a" + "0" * 16, "b" + "0" * 16], id="ones that end alike"),
        ],
    )
    def test_it_is_not_said(self, texts):
        assert not surely_differ(pa.array(texts, pa.string()))

    def test_it_is_said_of_tokens(self):
        assert surely_differ(pa.array(TOKENS))

    def test_a_slice_is_looked_at_alone(self):
        assert surely_differ(pa.array([TOKENS[0], *TOKENS, None]).slice(1, 1000))
        assert not surely_differ(pa.array([*TOKENS, TOKENS[5], TOKENS[5]]).slice(3))

    @pytest.mark.parametrize("kind", [pa.int64(), pa.binary(), pa.large_string(), pa.bool_(), pa.null()], ids=str)
    def test_it_is_said_of_strings_alone(self, kind):
        assert not surely_differ(pa.nulls(3, kind))
