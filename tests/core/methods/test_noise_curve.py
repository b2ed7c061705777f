"""Noise by a table follows its distribution, and its bits are the same everywhere."""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest

from maskgate.methods.gaussian import gaussian_sizes
from maskgate.methods.noise_curve import NoiseCurve
from maskgate.methods.noise_functions import exponential, logarithm

WORDS = np.random.default_rng(5).integers(0, 2**64, 50_000, np.uint64)


class TestNoiseCurve:
    @pytest.mark.parametrize(
        ("kind", "size", "tolerance"),
        [("laplace", lambda p: -log(p), 5e-7), ("gaussian", lambda p: -NormalDist().inv_cdf(p / 2), 5e-7)],
    )
    def test_every_draw_is_where_its_word_says(self, kind, size, tolerance):
        """The word is the probability of more noise, and its sign that of the noise."""
        noise = NoiseCurve(kind, 1.0).noise(WORDS)
        signed = WORDS.view(np.int64).astype(float)
        expected = np.array([size(abs(each) / 2**63) for each in signed])
        assert np.abs(np.abs(noise) - expected).max() < tolerance
        assert (np.sign(noise) == np.sign(signed)).all()

    @pytest.mark.parametrize("kind", ["laplace", "gaussian"])
    def test_the_ends(self, kind):
        """The words that are the rarest give the largest noise, and none that is not finite."""
        noise = NoiseCurve(kind, 1.0).noise(np.array([0, 1, 2**63 - 1, 2**63, 2**64 - 1], np.uint64))
        assert np.isfinite(noise).all()
        assert abs(noise[2]) == abs(noise[3]) == 0
        assert noise[1] == -noise[4] == np.abs(noise[1:]).max()

    def test_bits_never_change(self):
        """On any machine, whatever its logarithm is like."""
        words = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x8000000000000001], np.uint64)
        found = [each.hex() for kind in ("laplace", "gaussian") for each in NoiseCurve(kind, 1.0).noise(words).tolist()]
        assert found == PINNED

    def test_a_scale_scales(self):
        once, thrice = NoiseCurve("laplace", 1.0).noise(WORDS).copy(), NoiseCurve("laplace", 3.0).noise(WORDS)
        assert thrice == pytest.approx(3 * once, rel=1e-12)


PINNED = [
    "0x1.2e44df1f99cedp+2",
    "-0x1.2e44df1f99cedp+2",
    "-0x0.0p+0",
    "0x1.4ee2dcfa276edp+1",
    "-0x1.4ee2dcfa276edp+1",
    "-0x0.0p+0",
]


class TestFunctions:
    def test_logarithm_and_exponential(self):
        numbers = np.array([1e-300, 0.3, 1.0, 2.0, 12345.678, 1e300])
        assert logarithm(numbers) == pytest.approx([log(number) for number in numbers], rel=1e-14)
        numbers = np.array([-700.0, -1.0, 0.0, 0.5, 20.0, 700.0])
        assert exponential(numbers) == pytest.approx([exp(number) for number in numbers], rel=1e-13)

    def test_gaussian_sizes_have_their_probability(self):
        minus_logs = np.array([1e-9, 1e-3, 0.1, 1.0, 3.0, 10.0, 40.0])
        tails = [-log(erfc(size / sqrt(2))) for size in gaussian_sizes(minus_logs)]
        assert tails == pytest.approx(minus_logs, rel=1e-6)
        assert gaussian_sizes(np.zeros(1)) == 0
