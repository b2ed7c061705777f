"""Free patterns are drawn from the key's bits, every text as likely as any other."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from maskgate.methods.fake_pattern import Iban, Pattern


def drawn(pattern, count, seed=1):
    words = np.random.default_rng(seed).integers(0, 2**64, (count, pattern.words), dtype=np.uint64)
    return pattern.written(pattern.drawn(words)).to_pylist()


class TestPattern:
    @pytest.mark.parametrize(
        ("text", "expression"),
        [
            pytest.param("#", "[0-9]", id="a digit"),
            pytest.param("%", "[1-9]", id="a digit but 0"),
            pytest.param("??-####", "[A-Z]{2}-[0-9]{4}", id="letters, a dash, digits"),
            pytest.param("&&&*", "[a-z]{3}[A-Z0-9]", id="small letters, a letter or digit"),
            pytest.param(r"\#\\#", r"#\\[0-9]", id="an escaped sign stands for itself"),
            pytest.param("Nº.(#) é", r"Nº\.\([0-9]\) é", id="anything else stands for itself"),
            pytest.param("#" * 100, "[0-9]{100}", id="as long as it may be"),
            pytest.param("*" * 7 + "-" * 60 + "?", "[A-Z0-9]{7}-{60}[A-Z]", id="a long literal"),
        ],
    )
    def test_what_is_drawn_fits(self, text, expression):
        pattern = Pattern.of(text)
        texts = drawn(pattern, 300)
        assert all(re.fullmatch(expression, each) for each in texts)
        assert all(re.fullmatch(pattern.expression(), each) for each in texts)

    @pytest.mark.parametrize("text", ["#", "%?", "&*", "?-#"])
    def test_every_text_comes_and_none_is_likelier(self, text):
        pattern = Pattern.of(text)
        counts = Counter(drawn(pattern, 200 * pattern.choices))
        assert len(counts) == pattern.choices
        assert max(counts.values()) < 300

    def test_places_are_drawn_apart(self):
        """No two parts of a long text go together."""
        texts = drawn(Pattern.of("#" * 24), 2_000)
        parts = np.array([[int(text[at : at + 4]) for at in range(0, 24, 4)] for text in texts])
        correlations = np.corrcoef(parts, rowvar=False) - np.eye(6)
        assert np.abs(correlations).max() < 0.1

    def test_the_following_text_is_another_one(self):
        for text in ("#", "%-?", "#" * 30):
            pattern = Pattern.of(text)
            words = np.random.default_rng(1).integers(0, 2**64, (500, pattern.words), dtype=np.uint64)
            first = pattern.drawn(words)
            pairs = zip(
                pattern.written(first).to_pylist(), pattern.written(pattern.following(first)).to_pylist(), strict=True
            )
            assert not [left for left, right in pairs if left == right]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("", "1 to 100 characters, not 0", id="nothing"),
            pytest.param("#" * 101, "1 to 100 characters, not 101", id="too long"),
            pytest.param("secret", "nothing in `pattern:` is drawn", id="a literal alone"),
            pytest.param(r"\#", "nothing in `pattern:` is drawn", id="an escaped sign alone"),
        ],
    )
    def test_it_draws_something(self, text, message):
        with pytest.raises(ValueError, match=message):
            Pattern.of(text)


class TestIban:
    def test_the_published_example_has_these_check_digits(self):
        """GB82 WEST 1234 5698 7654 32 is the example of the IBAN registry (ISO 13616)."""
        iban = Iban("GB", Pattern("WEST1234569876543#"))
        texts = drawn(iban, 100)
        assert "GB82WEST12345698765432" in texts
        assert len(set(texts)) == 10
