"""Canonical bytes are those of RFC 8785, whichever encoder writes them."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from maskgate.canonical import canonical_bytes

_NAMES = st.text(max_size=4)
_LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(allow_nan=False)
_VALUES = st.recursive(_LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(_NAMES, each, max_size=4))


class TestCanonicalBytes:
    """The quick encoder is used only where it writes what the standard asks for."""

    @given(_VALUES.filter(lambda value: "inf" not in repr(value)))
    def test_they_are_those_of_the_standard(self, value):
        assert canonical_bytes(value) == rfc8785.dumps(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            pytest.param({}, "{}", id="nothing"),
            pytest.param({"b": 1, "a": (True, None)}, '{"a":[true,null],"b":1}', id="names in order, no spaces"),
            pytest.param({"x": 1.0}, '{"x":1}', id="a whole fraction is written as an integer"),
            pytest.param(
                {"\ue000": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ue000":1}', id="order by UTF-16 and not by character"
            ),
            pytest.param("\x00\x1f\x7f\n\u2028é", '"\\u0000\\u001f\x7f\\n\u2028é"', id="control characters alone"),
        ],
    )
    def test_examples(self, value, text):
        assert canonical_bytes(value) == text.encode()

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(2**53, id="an integer beyond what a double holds"),
            pytest.param({"n": [-(2**53)]}, id="the same, deep inside"),
            pytest.param("\ud800", id="half a character"),
            pytest.param(float("nan"), id="not a number"),
            pytest.param({1: 2}, id="a name that is no text"),
        ],
    )
    def test_what_is_no_json_is_refused(self, value):
        with pytest.raises(rfc8785.CanonicalizationError):
            canonical_bytes(value)
