"""Add random noise to numbers.

Noise is drawn from a keyed function of table, column, entity, the original value and every parameter: the same value
of the same entity never gets two draws, and a changed value gets an unrelated one. So neither two files with other
scales nor two releases of changed data show more than one of them; and the key holder can work out the noise of a
guessed value.

Numbers are clamped to `min` and `max` before and after, and come out as multiples of a step. Without bounds, they
end at what the type can hold, or at 2^53 steps.

Only `kind: geometric` with `epsilon` is called differential privacy: *local*, computational, for one value of one
entity. What that means, and what not, is in docs/decisions/what-epsilon-claims.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.canonical import canonical_bytes
from maskgate.crypto.cells import validity
from maskgate.errors import MaskingError
from maskgate.methods.entities import ROWS, EntityDraws
from maskgate.methods.families import family_of, value_type
from maskgate.methods.geometric import GeometricNoise, geometric_of_epsilon, geometric_of_scale
from maskgate.methods.layout import plain
from maskgate.methods.limits import StrangeNumbersError, check_numbers
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.noise_curve import CURVES, NoiseCurve
from maskgate.methods.noise_grid import Grid
from maskgate.methods.numbers import MOST_EXACT, Numbers, exactly, over_power_of_ten, written
from maskgate.methods.shape import Shape
from maskgate.methods.whole_noise import WholeNoise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

KINDS = ("laplace", "gaussian", "geometric", "uniform", "multiplicative")
_NUMBERS = (Family.INTEGER, Family.FLOAT, Family.DECIMAL)
_FINER_THAN_SCALE = 3
_SIGNED = 2.0**-63
_MANTISSA_BITS = 52
_MOST = Decimal(10) ** 100


@dataclass(frozen=True)
class Noise(Method):
    """Add noise of one kind, within bounds if there are any.

    Attributes:
        kind: One of `KINDS`.
        scale: The spread of the noise; None if epsilon gives it.
        epsilon: What local differential privacy is claimed with; None if it is not.
        minimum: The least number that goes in and comes out; None for the least of the type.
        maximum: The greatest.
        round_to: What results are multiples of; None for a power of ten a thousand times finer than the noise, or,
            if it is multiplicative, for as many significant digits.
    """

    kind: str
    scale: Decimal | None
    epsilon: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    round_to: Decimal | None

    declaration: ClassVar[Declaration] = Declaration(
        name="noise",
        done="noise added",
        term="randomization (noise addition)",
        summary="Adds random noise to numbers, the same for the same value of the same entity.",
        accepts=frozenset(_NUMBERS),
        parameters=(
            Parameter(
                "kind",
                Kind.CHOICE,
                "The distribution of the noise; `geometric` is that of whole steps, `multiplicative` multiplies by "
                "1 and normal noise, so that 0 stays 0 and no sign turns.",
                default="laplace",
                choices=KINDS,
            ),
            Parameter(
                "scale",
                Kind.NUMBER,
                "How large the noise is: its mean size (laplace, geometric), its standard deviation "
                "(gaussian; multiplicative, as a part of 1), or its greatest size (uniform).",
                above=0,
            ),
            Parameter(
                "epsilon",
                Kind.NUMBER,
                "Instead of a scale, with `kind: geometric` and both bounds: the epsilon of local differential "
                "privacy for one value.",
                above=0,
                maximum=20,
            ),
            Parameter("min", Kind.NUMBER, "The least number that goes in and comes out."),
            Parameter("max", Kind.NUMBER, "The greatest number that goes in and comes out."),
            Parameter("round_to", Kind.NUMBER, "What the results are multiples of.", above=0),
        ),
        one_of=("scale", "epsilon"),
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_entity=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If options are missing or contradict each other, or the numbers cannot be had exactly.
        """
        names = ("scale", "epsilon", "min", "max", "round_to")
        given = {name: exactly(options[name]) for name in names if options.get(name) is not None}
        if not all(number.is_finite() for number in given.values()):
            raise ValueError("noise takes finite numbers")
        if any(number and not 1 / _MOST <= abs(number) <= _MOST for number in given.values()):
            raise ValueError(f"noise takes 0, and numbers from {1 / _MOST:.0e} to {_MOST:.0e} in size")
        wrong = [f"`{name}:`" for name in ("scale", "epsilon", "round_to") if name in given and given[name] <= 0]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)} must be above 0")
        noise = cls(options.get("kind", "laplace"), *(given.get(name) for name in names))
        noise._check()
        return noise

    def _check(self) -> None:
        if (self.scale is None) == (self.epsilon is None):
            raise ValueError("noise needs `scale:`, or `epsilon:` with `kind: geometric` and bounds")
        if self.epsilon is not None and self.kind != "geometric":
            raise ValueError(
                f"`epsilon:` goes with `kind: geometric`: of {self.kind} noise, which is continuous, a computer draws "
                "some numbers never, and those give the original away"
            )
        if self.epsilon is not None and (self.minimum is None or self.maximum is None):
            raise ValueError("`epsilon:` needs `min:` and `max:`: without bounds, one value can stand out however far")
        step = self._step()
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("no two results would fit between `min:` and `max:`")
        if step is None:
            return
        reach = max((abs(bound) for bound in (self.minimum, self.maximum) if bound is not None), default=Decimal(0))
        if reach * 10 ** over_power_of_ten(step)[1] > MOST_EXACT or over_power_of_ten(step)[0] > MOST_EXACT:
            raise ValueError("`round_to:` is too fine for numbers as large as `min:` or `max:`")
        grid = Grid.of(pa.float64(), step, self.minimum, self.maximum)
        if grid.ends[0] >= grid.ends[1]:
            raise ValueError("no two results would fit between `min:` and `max:`")
        self._added(grid)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself, or double for any float.

        Raises:
            ValueError: If the type cannot hold the bounds or the steps.
        """
        kind, family = value_type(input_type), family_of(input_type)
        if family is Family.FLOAT:
            return pa.float64()
        if family is Family.INTEGER and self.round_to is not None and over_power_of_ten(self.round_to)[1]:
            raise ValueError(f"{kind} has no fractions; `round_to:` must be whole")
        if family is Family.DECIMAL:
            self._check_decimal(kind)
        elif family is Family.INTEGER:
            limits = np.iinfo(kind.to_pandas_dtype())
            self._check_reach(kind, Decimal(int(limits.min)), Decimal(int(limits.max)))
        grid = self._grid(kind)
        if grid.ends[0] > grid.ends[1]:
            raise ValueError(f"{kind} holds nothing between `min:` and `max:`")
        self._added(grid)
        return kind

    def _check_decimal(self, kind: pa.DataType) -> None:
        if kind.scale < 0 or (self.round_to is not None and over_power_of_ten(self.round_to)[1] > kind.scale):
            raise ValueError(f"{kind} cannot hold multiples of {self.round_to or 1:f}")
        most = Decimal(10) ** (kind.precision - kind.scale) - Decimal(10) ** -kind.scale
        self._check_reach(kind, -most, most)

    def _check_reach(self, kind: pa.DataType, least: Decimal, most: Decimal) -> None:
        for name, bound in (("min", self.minimum), ("max", self.maximum)):
            if bound is not None and not least <= bound <= most:
                raise ValueError(f"{kind} does not reach to `{name}:` {bound:f}")

    def shape(self) -> Shape:
        """Promise numbers, in bounds and steps."""
        step = self._step()
        return Shape(
            minimum=None if self.minimum is None else float(self.minimum),
            maximum=None if self.maximum is None else float(self.maximum),
            multiple_of=None if step is None else float(step),
            families=tuple(family.value for family in _NUMBERS),
        )

    def facts(self) -> Mapping[str, Any]:
        """Return the epsilon of one cell and what is claimed with it, if it is."""
        if self.epsilon is None:
            return {}
        return {
            "epsilon": float(self.epsilon),
            "claim": "local differential privacy (computational), of one value of one entity",
            "mechanism": "two-sided geometric noise on a grid, clamped before and after",
        }

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Return which cells are NaN."""
        column = plain(column)
        return pc.is_nan(column).fill_null(False) if pa.types.is_floating(column.type) else None  # noqa: FBT003

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the noisy numbers.

        Raises:
            MaskingError: If there is no key, no entity for a number, or a number is NaN.
        """
        grid, column = self._grid(self.output_type(column.type)), plain(column)
        _check_numbers(column, surroundings)
        numbers = Numbers(column)
        context = canonical_bytes([surroundings.table, surroundings.column, *self._parameters()]).decode()
        draws = EntityDraws(column, surroundings, purpose="noise", context=context, inexact=numbers.inexact)
        add, whole = self._added(grid), self._whole(grid)
        out, room = grid.room(len(column)), np.empty(min(ROWS, len(column)))
        with np.errstate(invalid="ignore", over="ignore"):  # what lies under nulls may be anything
            for rows in draws.portions():
                values = numbers.doubles(rows, room[: rows.stop - rows.start])
                drawn = draws.draw(rows, values.view(np.uint64))
                if whole is not None and whole.write(numbers.integers(rows), drawn, out[rows]):
                    continue
                if not numbers.lie_within(rows, *grid.bounds):
                    grid.clamp(values)
                add(values, drawn)
                grid.settle(values)
                grid.write(values, out[rows])
        return grid.column(out, validity(column))

    def is_too_small(self, kind: pa.DataType | None) -> bool:
        """Say whether most numbers come out as they went in: noise of less than half a step is mostly rounded away.

        Args:
            kind: The type of the column; None if only the rules say what results are multiples of.
        """
        if self.scale is None or self.kind == "multiplicative":
            return False
        step = self.round_to
        if step is None and kind is not None and family_of(kind) in _NUMBERS:
            step = self._grid(value_type(kind)).step
        return step is not None and self.scale * 2 < step

    def _added(self, grid: Grid) -> Callable[[NDArray[np.float64], NDArray[np.uint64]], None]:
        """Return how noise is added, in place, to numbers that thereby turn into steps."""
        if self.kind == "multiplicative":
            return self._multiplied(grid)
        scale = (self.scale or Decimal(1)) / (grid.step or Decimal(1))
        if self.kind == "geometric":
            return self._added_on_the_grid(grid, scale)
        curve = None if self.kind == "uniform" else NoiseCurve(self.kind, float(scale))

        def add(values: NDArray[np.float64], drawn: NDArray[np.uint64]) -> None:
            grid.in_steps(values)
            values += (
                drawn[:, 0].view(np.int64) * (float(scale) * _SIGNED) if curve is None else curve.noise(drawn[:, 0])
            )

        return add

    def _whole(self, grid: Grid) -> WholeNoise | None:
        """Return what adds noise to integers as such, if something does."""
        if grid.step != 1 or not pa.types.is_integer(grid.kind):
            return None
        if self.kind == "geometric":
            return WholeNoise.of_steps(self._geometric(grid, self.scale or Decimal(1)), grid)
        if self.kind not in CURVES or self.scale is None:
            return None
        return WholeNoise.of_curve(self.kind, float(self.scale), grid)

    def _added_on_the_grid(
        self, grid: Grid, scale: Decimal
    ) -> Callable[[NDArray[np.float64], NDArray[np.uint64]], None]:
        """Return how whole steps are added to numbers that are on the grid already."""
        geometric = self._geometric(grid, scale)

        def add(values: NDArray[np.float64], drawn: NDArray[np.uint64]) -> None:
            grid.in_steps(values)
            grid.settle(values)
            values += geometric.noise(drawn)

        return add

    def _geometric(self, grid: Grid, scale: Decimal) -> GeometricNoise:
        if self.epsilon is None:
            return geometric_of_scale(scale)
        return geometric_of_epsilon(self.epsilon, int(grid.ends[1]) - int(grid.ends[0]))

    def _multiplied(self, grid: Grid) -> Callable[[NDArray[np.float64], NDArray[np.uint64]], None]:
        scale = self.scale or Decimal(1)
        curve, bits = NoiseCurve("gaussian", float(scale)), int(10**_FINER_THAN_SCALE / scale).bit_length()

        def multiply(values: NDArray[np.float64], drawn: NDArray[np.uint64]) -> None:
            factors = curve.noise(drawn[:, 0])
            factors += 1.0
            # Noise does not turn a sign.
            np.clip(factors, 0.0, np.inf, out=factors)
            values *= factors
            if grid.step is None:
                _shorten(values, bits)
            grid.in_steps(values)

        return multiply

    def _parameters(self) -> list[str | None]:
        numbers = (self.scale, self.epsilon, self.minimum, self.maximum, self.round_to)
        return [self.kind, *(None if number is None else written(number) for number in numbers)]

    def _step(self) -> Decimal | None:
        """Return what results are multiples of: ``round_to``, or a power of ten that doubles can count by."""
        if self.round_to is not None:
            return self.round_to
        if self.kind == "multiplicative":
            return None
        spread = self.scale or (self.maximum or Decimal(0)) - (self.minimum or Decimal(0))
        step = _power_of_ten(spread.adjusted() - _FINER_THAN_SCALE)
        reach = max((abs(bound) for bound in (self.minimum, self.maximum) if bound is not None), default=Decimal(0))
        return max(step, _power_of_ten((reach / MOST_EXACT).adjusted() + 1)) if reach else step

    def _grid(self, kind: pa.DataType) -> Grid:
        """Lay out the grid for a type: where no step was asked for, with none that is finer than the type."""
        step = self._step()
        if self.kind == "multiplicative" and self.round_to is None and not pa.types.is_integer(kind):
            return Grid.of(kind, None, self.minimum, self.maximum)
        if self.round_to is None and not pa.types.is_floating(kind):
            finest = _power_of_ten(-kind.scale if pa.types.is_decimal(kind) else 0)
            step = finest if step is None else max(step, finest)
        if step is None or self.kind == "multiplicative":
            return Grid.of(kind, step, self.minimum, self.maximum)
        # Beyond, neighbours of a double are more than a step away: noise would leave integers as they are.
        most = MOST_EXACT * step
        minimum = -most if self.minimum is None else self.minimum
        maximum = most if self.maximum is None else self.maximum
        return Grid.of(kind, step, minimum, maximum)


def _check_numbers(column: pa.Array, surroundings: Surroundings) -> None:
    try:
        check_numbers(column)
    except StrangeNumbersError:
        count = pc.sum(pc.is_nan(column)).as_py()
        raise MaskingError(
            f'column "{surroundings.column}": {count} values are NaN, which noise cannot take. '
            "Say `on_invalid: nullify`, or make them null first."
        ) from None


def _shorten(numbers: NDArray[np.float64], bits: int) -> None:
    """Round numbers, in place, to so many binary digits behind the first: the others would tell of the original."""
    spare = _MANTISSA_BITS - min(bits, _MANTISSA_BITS)
    words = numbers.view(np.uint64)
    words += np.uint64((1 << spare) >> 1)
    words &= ~np.uint64((1 << spare) - 1)


def _power_of_ten(exponent: int) -> Decimal:
    return Decimal(1).scaleb(exponent)
