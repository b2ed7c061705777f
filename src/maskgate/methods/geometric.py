"""Two-sided geometric noise: whole numbers k with probability proportional to a^|k|, 0 < a < 1.

The discrete cousin of Laplace noise (Ghosh, Roughgarden and Sundararajan, 2009, "Universally utility-maximizing
privacy mechanisms"). With a = exp(-epsilon / n) and values in n + 1 places, it is differentially private for a move
of n places, and so for any change of one value; clamping the result afterwards takes nothing away.

It is drawn exactly, without a double on the way:

* k is g or -1 - g, the first with probability 1 / (1 + a), where g is geometric: g with probability (1 - a) a^g.
* The digits of g to any base are independent of each other. So g has a high and a low digit, and each, the high one
  together with the sign, comes from one word by :class:`~maskgate.methods.exact_weights.ExactWeights`. Where steps are
  few, one digit is enough.
* Weights are whole multiples of 2^-64. Rounding to them changes the odds; so the weights are made for an epsilon that
  is smaller by a little, and it is then worked out, in 60 digits, that the odds stay within the epsilon asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise, repeat
from operator import mul
from typing import TYPE_CHECKING, Any, Self

from maskgate.methods.exact_weights import ALL_WORDS, ExactWeights, whole_weights
from maskgate.methods.first_bits import FIRST_BITS, FirstBits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_STEPS = 2**24
# So many steps are drawn by one word.
MOST_AT_ONCE = 2**11
# Decimals have correctly rounded exponentials, the same on every machine.
_DIGITS = 60
# Beyond 45 times its mean size, geometric noise has less than one word in 2^64.
_REACH = 45
_SAFETY = tuple(Decimal(2) ** -bits for bits in (40, 30, 20, 10, 5))


@dataclass(frozen=True)
class Digit:
    """A digit of noise, drawn by one word.

    Attributes:
        weights: How likely each is.
        table: The digit by the first bits of a word; None if these decide too seldom.
    """

    weights: ExactWeights
    table: FirstBits | None

    @classmethod
    def of(cls, weights: ExactWeights) -> Self:
        """Make a table, if words that begin alike are of one column, and so of two outcomes at most."""
        return cls(weights, FirstBits.of(weights.draw) if weights.bits <= FIRST_BITS else None)

    def draw(self, words: NDArray[np.uint64], number: int) -> NDArray[Any]:
        """Draw a digit for each row from the word of this number."""
        if self.table is None:
            return self.weights.draw(words[:, number])
        drawn, places = self.table.look_up(words, number)
        if len(places):
            drawn[places] = self.weights.draw(words[places, number])
        return drawn


@dataclass(frozen=True)
class GeometricNoise:
    """Two-sided geometric noise, ready to draw.

    Attributes:
        high: The high digit times the base as it stands, or its complement where the noise is negative.
        low: The low digit; None where there are so few steps that it is all one digit.
        excess: How far rounding to whole weights may have moved the logarithm of any odds.
    """

    high: Digit
    low: Digit | None
    excess: Decimal

    def noise(self, words: NDArray[np.uint64]) -> NDArray[Any]:
        """Turn two words of even bits a cell into noise."""
        # The complement of g is -1 - g, and the low digit fills the bits that the high one leaves free.
        noise = self.high.draw(words, 0)
        if self.low is not None:
            noise ^= self.low.draw(words, 1)
        return noise


def geometric_of_scale(scale: Decimal) -> GeometricNoise:
    """Return noise where a is exp(-1 / scale), so that its mean size is about the scale, which is in steps.

    Raises:
        ValueError: If it takes too many steps.
    """
    steps = int(scale * _REACH) + 1
    if steps > MOST_STEPS:
        raise ValueError("`scale:` has too many steps for geometric noise; make `round_to:` coarser")
    with localcontext(prec=_DIGITS):
        return _made(1 / scale, steps)


@lru_cache(maxsize=64)
def geometric_of_epsilon(epsilon: Decimal, steps: int, at_once: int = MOST_AT_ONCE) -> GeometricNoise:
    """Return noise that keeps epsilon between any two of `steps` + 1 places.

    Args:
        epsilon: What to keep.
        steps: Between the least and the greatest place.
        at_once: Up to how many steps are drawn from one word; more are drawn from two.

    Raises:
        ValueError: If there are too many steps, or whole weights cannot keep to it.
    """
    if steps > MOST_STEPS:
        raise ValueError(f"`epsilon:` takes at most {MOST_STEPS} steps between the bounds; make `round_to:` coarser")
    with localcontext(prec=_DIGITS):
        for safety in _SAFETY:
            smaller = epsilon * (1 - safety)
            made = _made(smaller / steps, steps, at_once)
            if smaller + made.excess <= epsilon:
                return made
    raise ValueError("this `epsilon:` cannot be kept exactly with so many steps; make `round_to:` coarser")


@lru_cache(maxsize=64)
def _made(rate: Decimal, steps: int, at_once: int = MOST_AT_ONCE) -> GeometricNoise:
    """Return noise where a is exp(-rate), whose sizes from `steps` on need not be told apart."""
    with localcontext(prec=_DIGITS):
        base = 1 if steps <= at_once else 1 << (steps.bit_length() // 2)
        count = -(-steps // base) + 1
        digits = [digit * base for digit in range(count)]
        sizes = _powers((-rate * base).exp(), count)
        sizes = [size - following for size, following in pairwise([*sizes, Decimal(0)])]
        ratio = (-rate).exp()
        signed = [Fraction(size / (1 + ratio)) for size in sizes] + [
            Fraction(size * ratio / (1 + ratio)) for size in sizes
        ]
        low = [Fraction(power) for power in _powers(ratio, base)] if base > 1 else []
    return GeometricNoise(
        Digit.of(ExactWeights.of([whole_weights(signed)], [*digits, *(~digit for digit in digits)])),
        Digit.of(ExactWeights.of([whole_weights(low)], range(base))) if low else None,
        _excess(signed) + (_excess(low) if low else 0),
    )


def _powers(ratio: Decimal, count: int) -> list[Decimal]:
    return list(accumulate(repeat(ratio, count - 1), mul, initial=Decimal(1)))


def _excess(probabilities: list[Fraction]) -> Decimal:
    """Bound how far whole weights move the logarithm of the odds of any two outcomes.

    A weight is less than 1 away from its share s, so that the logarithms of no two quotients of weight and share are
    further apart than log((s + 1) / (s - 1)) <= 2 / (s - 1) for the least s.
    """
    least = min(probabilities) * ALL_WORDS / sum(probabilities)
    return Decimal(2) / int(least - 1) if least > 2 else Decimal("Infinity")  # noqa: PLR2004  one more than the 1 away
