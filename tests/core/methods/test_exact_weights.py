"""Outcomes are drawn by just as many of the 2^64 words as their weights say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from core.methods.counted_words import words_of

from maskgate.methods.exact_weights import ALL_WORDS, ExactWeights, whole_weights


class TestWholeWeights:
    @pytest.mark.parametrize(
        "shares",
        [[1], [1, 0], [1, 1], [1, 1, 1], [1, 2, 4, 8], [10**30, 1], [0, 0, 7], list(range(1, 100))],
        ids=str,
    )
    def test_they_sum_to_all_words_and_are_near_their_shares(self, shares):
        probabilities = [Fraction(share, sum(shares)) for share in shares]
        weights = whole_weights(probabilities)
        assert sum(weights) == ALL_WORDS
        for weight, probability in zip(weights, probabilities, strict=True):
            assert abs(weight - probability * ALL_WORDS) < 1
            assert weight > 0 or probability * ALL_WORDS < 1


class TestExactWeights:
    @pytest.mark.parametrize(
        "shares",
        [[1], [1, 1], [1, 2], [0, 1, 0], [1, 1, 1], [10**12, 1, 10**6], list(range(1, 70))],
        ids=str,
    )
    def test_every_outcome_has_its_words(self, shares):
        weights = whole_weights([Fraction(share, sum(shares)) for share in shares])
        drawn = ExactWeights.of([weights], range(len(shares)))
        assert words_of(drawn) == {outcome: weight for outcome, weight in enumerate(weights) if weight}

    def test_the_least_and_the_greatest_word(self):
        drawn = ExactWeights.of([[ALL_WORDS - 1, 1]], [7, -9])
        words = np.array([0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1], np.uint64)
        assert set(drawn.draw(words).tolist()) <= {7, -9}

    def test_each_row_draws_from_its_own(self):
        half = ALL_WORDS // 2
        drawn = ExactWeights.of([[ALL_WORDS, 0, 0], [0, half, half]], [10, 20, 30])
        words = np.random.default_rng(1).integers(0, 2**64, 10_000, np.uint64)
        rows = np.arange(10_000) % 2
        out = drawn.draw(words, rows)
        assert set(out[rows == 0]) == {10}
        assert abs((out[rows == 1] == 20).mean() - 0.5) < 0.05
        assert set(out[rows == 1]) == {20, 30}
