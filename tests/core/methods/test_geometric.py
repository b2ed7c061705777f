"""Geometric noise keeps the odds within epsilon, by its weights and not by a formula."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import product

import numpy as np
import pytest
from core.methods.counted_words import words_of

from maskgate.methods.exact_weights import ALL_WORDS
from maskgate.methods.geometric import MOST_AT_ONCE, MOST_STEPS, geometric_of_epsilon, geometric_of_scale


def exact_odds(noise, steps):
    """Return how many of the 2^128 pairs of words lead from each place to each, both clamped."""
    size = steps + 1
    table = [[0] * size for _ in range(size)]
    pairs = product(
        words_of(noise.high.weights).items(), words_of(noise.low.weights).items() if noise.low else [(0, ALL_WORDS)]
    )
    drawn = [(high ^ low, ways * more) for (high, ways), (low, more) in pairs]
    for place in range(size):
        for moved, ways in drawn:
            table[place][min(max(place + moved, 0), steps)] += ways
    return table


class TestEpsilon:
    @pytest.mark.parametrize("epsilon", ["0.001", "0.5", "1", "3", "10", "20"])
    @pytest.mark.parametrize("steps", [1, 2, 3, 10, 37])
    @pytest.mark.parametrize("at_once", [MOST_AT_ONCE, 0], ids=["by one word", "by two"])
    def test_no_result_has_worse_odds_between_any_two_places(self, epsilon, steps, at_once):
        """Counted in whole words, so that no rounding is left out; and not much better ones either."""
        table = exact_odds(geometric_of_epsilon(Decimal(epsilon), steps, at_once), steps)
        assert all(sum(row) == ALL_WORDS**2 for row in table)
        with localcontext(prec=60):
            worst = max(Decimal(max(column)) / min(column) for column in zip(*table, strict=True)).ln()
        assert worst <= Decimal(epsilon)
        assert worst > Decimal(epsilon) * Decimal("0.95")

    def test_many_steps(self):
        noise = geometric_of_epsilon(Decimal(1), MOST_STEPS)
        words = np.random.default_rng(1).integers(0, 2**64, (100_000, 2), np.uint64)
        sizes = np.minimum(np.abs(noise.noise(words)), MOST_STEPS)
        assert abs(sizes.mean() / MOST_STEPS - (1 - np.exp(-1))) < 0.01

    def test_too_many_steps(self):
        with pytest.raises(ValueError, match="make `round_to:` coarser"):
            geometric_of_epsilon(Decimal(1), MOST_STEPS + 1)


class TestScale:
    @pytest.mark.parametrize("scale", ["0.1", "1", "7.5", "1000", "100000"])
    def test_mean_size_and_variance(self, scale):
        """A two-sided geometric variate has the variance 2a / (1 - a)²."""
        words = np.random.default_rng(2).integers(0, 2**64, (400_000, 2), np.uint64)
        drawn = geometric_of_scale(Decimal(scale)).noise(words).astype(float)
        ratio = np.exp(-1 / float(scale))
        variance = 2 * ratio / (1 - ratio) ** 2
        assert abs(drawn.mean()) < 5 * np.sqrt(variance / 400_000) + 1e-12
        assert abs(drawn.var() / variance - 1) < (0.02 if variance > 0.01 else 0.2)

    def test_too_many_steps(self):
        with pytest.raises(ValueError, match="make `round_to:` coarser"):
            geometric_of_scale(Decimal(10**6))
