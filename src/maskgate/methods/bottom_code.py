"""Cut numbers, dates and timestamps off at the bottom."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from maskgate.methods.limits import MOMENTS, NUMBERS, Coding
from maskgate.methods.method import Declaration, Kind, Parameter
from maskgate.methods.shape import Shape


@dataclass(frozen=True)
class BottomCode(Coding):
    """Replace whatever is less than a limit by the limit, or by one number for all of it."""

    moment_option: ClassVar[str] = "not_before"
    beyond = operator.lt
    arrow_beyond: ClassVar[str] = "less"
    nearer: ClassVar[np.ufunc] = np.maximum
    declaration: ClassVar[Declaration] = Declaration(
        name="bottom_code",
        done="lowest values raised to a limit",
        term="generalization (bottom coding)",
        summary="Replaces every number below a limit by the limit, and every date before one.",
        accepts=NUMBERS | MOMENTS,
        parameters=(
            Parameter("at", Kind.NUMBER, "The least number that stays."),
            Parameter("replace_with", Kind.NUMBER, "With `at`: what stands for lesser ones, instead of `at` itself."),
            Parameter("not_before", Kind.STRING, "The first date or time that stays, such as 1936-01-01; in UTC."),
        ),
        one_of=("at", "not_before"),
    )

    def bounded(self, outermost: float) -> Shape:
        """Promise a minimum."""
        return Shape(minimum=outermost)
