"""Numbers of any Arrow type as doubles, and exact decimals out of the rules file."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_EXACT = 2**53


def as_doubles(column: pa.Array) -> NDArray[np.float64]:
    """Return the doubles nearest to the cells of a plain column of numbers; 0 where it is null."""
    if pa.types.is_decimal(column.type):
        # Arrow's own conversion of decimals is off by a bit here and there; its parser of text is not.
        column = column.cast(pa.string())
    doubles: NDArray[np.float64] = pc.cast(column, pa.float64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
    return doubles


def exactly(number: float) -> Decimal:
    """Return the decimal that a number of the rules file was written as, in its shortest form."""
    return Decimal(str(number)).normalize()


def written(number: Decimal) -> str:
    """Write a decimal without exponent and without needless zeros."""
    return f"{number.normalize():f}"


def over_power_of_ten(number: Decimal) -> tuple[int, int]:
    """Split a number into a whole numerator and the least power of ten under it.

    Example:
        >>> over_power_of_ten(Decimal("2.50"))
        (25, 1)
    """
    places = max(0, -int(number.normalize().as_tuple().exponent))
    return int(number.scaleb(places)), places
