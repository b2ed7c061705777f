"""Cut numbers, dates and timestamps off at the top."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from maskgate.methods.limits import MOMENTS, NUMBERS, Coding
from maskgate.methods.method import Declaration, Kind, Parameter
from maskgate.methods.shape import Shape


@dataclass(frozen=True)
class TopCode(Coding):
    """Replace whatever is greater than a limit by the limit, or by one number for all of it."""

    moment_option: ClassVar[str] = "not_after"
    beyond = operator.gt
    arrow_beyond: ClassVar[str] = "greater"
    nearer: ClassVar[np.ufunc] = np.minimum
    declaration: ClassVar[Declaration] = Declaration(
        name="top_code",
        done="highest values lowered to a limit",
        term="generalization (top coding)",
        summary="Replaces every number above a limit by the limit, and every date after one.",
        accepts=NUMBERS | MOMENTS,
        parameters=(
            Parameter("at", Kind.NUMBER, "The greatest number that stays."),
            Parameter("replace_with", Kind.NUMBER, "With `at`: what stands for greater ones, instead of `at` itself."),
            Parameter("not_after", Kind.STRING, "The last date or time that stays, such as 2020-12-31; in UTC."),
        ),
        one_of=("at", "not_after"),
    )

    def bounded(self, outermost: float) -> Shape:
        """Promise a maximum."""
        return Shape(maximum=outermost)
