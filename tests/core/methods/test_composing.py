"""A text is left as it is only where its composed form is itself."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.methods.composing import IS_COMPOSED, composed

# What follows a letter and may melt into it: marks, and the vowels and ends of Korean syllables.
TRAILING = {
    int(parts[1], 16)
    for parts in (unicodedata.decomposition(chr(code)).split() for code in range(0x10000))
    if len(parts) == 2 and not parts[0].startswith("<")
} | {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("eA\u0301\u0327\u3099かカ\u1100\u1161\u11a8가Ωé")
)


def left_alone():
    """Return all characters that are taken for composed whatever stands beside them."""
    for code in range(0x80, 0x10000):
        if 0xD800 <= code < 0xE000:
            continue
        first, second, *_ = chr(code).encode()
        if first < 0xCC or IS_COMPOSED[first << 8 | second]:
            yield code


class TestComposed:
    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
    def test_no_rows(self, kind):
        assert composed(pa.array([], kind)).equals(pa.array([], kind))

    def test_no_letter_is_left_alone_that_melts_into_another(self):
        codes = list(left_alone())
        assert len(codes) > 30_000
        assert not TRAILING.intersection(codes)
        assert not any(unicodedata.combining(chr(code)) for code in codes)
        letters = pa.array([chr(code) for code in codes])
        assert pc.utf8_normalize(letters, "NFC").equals(letters)

    @given(st.lists(st.none() | TEXTS))
    def test_as_python_composes(self, texts):
        wanted = [text if text is None else unicodedata.normalize("NFC", text) for text in texts]
        assert composed(pa.array(texts, pa.string())).to_pylist() == wanted

    def test_a_few_of_many(self):
        texts = ["plain", "café", None, "cafe\u0301", ""] * 10_000
        made = composed(pa.array(texts).slice(1))
        made.validate(full=True)
        assert made.to_pylist() == ["plain", "café", None, "café", ""][1:] + ["plain", "café", None, "café", ""] * 9_999

    def test_no_copy_of_what_is_composed(self):
        texts = pa.array(["Jürgen", "Дмитрий", "田中", "김"])
        assert composed(texts) is texts
