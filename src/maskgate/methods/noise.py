"""Add bounded Laplace noise to numbers.

The noise is drawn from a keyed function of table, column, entity, the original value and every parameter: the same
value of the same entity never gets two draws, and a changed value gets an unrelated one. The key holder can work out
the noise of a guessed value.

Numbers are clamped to `min` and `max` before and after, and come out as multiples of a step. Without a step, the
last bits of a double would give the original away (Mironov, 2012, "On significance of the least significant bits for
differential privacy"). Taken as *local* differential privacy, computational and for one value of one row, epsilon is
``(max - min) / scale``; it adds up over columns, rows and releases.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from maskgate.canonical import canonical_bytes
from maskgate.crypto.cells import validity
from maskgate.errors import MaskingError
from maskgate.methods.entities import draw_by_entity
from maskgate.methods.families import family_of, value_type
from maskgate.methods.laplace import laplace
from maskgate.methods.layout import plain
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.numbers import MOST_EXACT, as_doubles, exactly, over_power_of_ten, written
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FINER_THAN_SCALE = 3


@dataclass(frozen=True)
class Noise(Method):
    """Add Laplace noise, within bounds.

    Attributes:
        kind: ``laplace``.
        scale: The spread of the noise: its mean size.
        minimum: The least number that goes in and comes out.
        maximum: The greatest.
        round_to: What results are multiples of; None for a power of ten a thousand times finer than the scale.
    """

    kind: str
    scale: Decimal
    minimum: Decimal
    maximum: Decimal
    round_to: Decimal | None

    declaration: ClassVar[Declaration] = Declaration(
        name="noise",
        term="randomization (noise addition)",
        summary="Adds random noise to numbers, the same for the same value of the same entity.",
        accepts=frozenset({Family.INTEGER, Family.FLOAT, Family.DECIMAL}),
        parameters=(
            Parameter("kind", Kind.CHOICE, "The distribution of the noise.", default="laplace", choices=("laplace",)),
            Parameter("scale", Kind.NUMBER, "The mean size of the noise, above 0.", required=True, minimum=0),
            Parameter("min", Kind.NUMBER, "The least number that goes in and comes out.", required=True),
            Parameter("max", Kind.NUMBER, "The greatest number that goes in and comes out.", required=True),
            Parameter("round_to", Kind.NUMBER, "What the results are multiples of, above 0.", minimum=0),
        ),
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_entity=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If the bounds hold nothing, or the numbers cannot be had exactly.
        """
        names = ("scale", "min", "max", "round_to")
        given = [None if options.get(name) is None else exactly(options[name]) for name in names]
        if any(number is not None and not number.is_finite() for number in given):
            raise ValueError("noise takes finite numbers")
        scale, minimum, maximum, round_to = given
        if scale is None or minimum is None or maximum is None:
            raise ValueError("noise needs `scale:`, `min:` and `max:`")
        if scale <= 0 or (round_to is not None and round_to <= 0):
            raise ValueError("`scale:` and `round_to:` are above 0")
        noise = cls(options.get("kind", "laplace"), scale, minimum, maximum, round_to)
        least, most = noise._bounds(noise._step())
        if minimum >= maximum or least >= most:
            raise ValueError("no two results would fit between `min:` and `max:`")
        return noise

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type itself, or double for any float.

        Raises:
            ValueError: If the type cannot hold the bounds or the steps.
        """
        kind, family = value_type(input_type), family_of(input_type)
        if family is Family.FLOAT:
            return pa.float64()
        least, most = self._bounds(self._step_for(kind))
        if least > most:
            raise ValueError(f"{kind} holds nothing between `min:` {self.minimum:f} and `max:` {self.maximum:f}")
        _, places = over_power_of_ten(self._step())
        if family is Family.INTEGER:
            limits = np.iinfo(kind.to_pandas_dtype())
            if self.minimum < int(limits.min) or self.maximum > int(limits.max):
                raise ValueError(f"{kind} does not reach from `min:` {self.minimum:f} to `max:` {self.maximum:f}")
            if self.round_to is not None and places:
                raise ValueError(f"{kind} has no fractions; `round_to:` must be whole")
            return kind
        if kind.scale < 0 or (self.round_to is not None and places > kind.scale):
            raise ValueError(f"{kind} cannot hold multiples of {self._step():f}")
        if max(abs(self.minimum), abs(self.maximum)) >= 10 ** (kind.precision - kind.scale):
            raise ValueError(f"{kind} does not reach from `min:` {self.minimum:f} to `max:` {self.maximum:f}")
        return kind

    def shape(self) -> Shape:
        """Promise bounds and steps."""
        return Shape(minimum=float(self.minimum), maximum=float(self.maximum), multiple_of=float(self._step()))

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the noisy numbers.

        Raises:
            MaskingError: If there is no key, no entity for a number, or a number is NaN.
        """
        kind, column = self.output_type(column.type), plain(column)
        originals = as_doubles(column)
        strange = int(np.isnan(originals).sum())
        if strange:
            raise MaskingError(f'column "{surroundings.column}": {strange} values are NaN. Make them null first.')
        context = canonical_bytes(
            [
                surroundings.table,
                surroundings.column,
                self.kind,
                *(None if n is None else written(n) for n in self._all()),
            ]
        ).decode()
        draws = draw_by_entity(column, surroundings, purpose="noise", context=context, originals=originals)
        return self._noisy(originals, laplace(draws), validity(column), kind)

    def _noisy(
        self,
        originals: NDArray[np.float64],
        draws: NDArray[np.float64],
        valid: NDArray[np.bool_] | None,
        kind: pa.DataType,
    ) -> pa.Array:
        step = self._step_for(kind)
        least, most = self._bounds(step)
        inside = np.clip(originals, float(self.minimum), float(self.maximum))
        steps = np.clip(np.rint(inside / float(step)), least, most)
        steps = np.clip(steps + np.rint(draws * float(self.scale / step)), least, most)
        numerator, places = over_power_of_ten(step)
        scaled = steps.astype(np.int64) * numerator
        if valid is not None:
            scaled[~valid] = 0
        absent = None if valid is None else ~valid
        if pa.types.is_floating(kind):
            return pa.array(scaled / 10.0**places, mask=absent)
        whole = pa.array(scaled, mask=absent)
        if pa.types.is_integer(kind):
            return whole.cast(kind)
        wide = whole.cast(pa.decimal128(19, 0))
        return pa.Array.from_buffers(pa.decimal128(19, places), len(wide), wide.buffers()).cast(kind)

    def _all(self) -> tuple[Decimal | None, ...]:
        return self.scale, self.minimum, self.maximum, self.round_to

    def _step(self) -> Decimal:
        """Return what results are multiples of: ``round_to``, or a power of ten that doubles can count by."""
        if self.round_to is not None:
            return self.round_to
        reach = max(abs(self.minimum), abs(self.maximum)) / MOST_EXACT
        return max(_power_of_ten(self.scale.adjusted() - _FINER_THAN_SCALE), _power_of_ten(reach.adjusted() + 1))

    def _step_for(self, kind: pa.DataType) -> Decimal:
        """Return the step, but where it was not asked for none that is finer than the type."""
        if self.round_to is not None or pa.types.is_floating(kind):
            return self._step()
        return max(self._step(), _power_of_ten(-kind.scale if pa.types.is_decimal(kind) else 0))

    def _bounds(self, step: Decimal) -> tuple[int, int]:
        """Return the bounds in steps.

        Raises:
            ValueError: If there are more steps than doubles can count.
        """
        least = int((self.minimum / step).to_integral_value(ROUND_CEILING))
        most = int((self.maximum / step).to_integral_value(ROUND_FLOOR))
        _, places = over_power_of_ten(step)
        if max(abs(self.minimum), abs(self.maximum)) * 10**places > MOST_EXACT:
            raise ValueError("`round_to:` is too fine for numbers as large as `min:` or `max:`")
        return least, most


def _power_of_ten(exponent: int) -> Decimal:
    return Decimal(1).scaleb(exponent)
