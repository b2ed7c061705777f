"""Leave a column out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from maskgate.errors import MaskingError
from maskgate.methods.families import EVERY_FAMILY
from maskgate.methods.method import Declaration, Domain, Method, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


@dataclass(frozen=True)
class Drop(Method):
    """Leave the column out of the output."""

    declaration: ClassVar[Declaration] = Declaration(
        name="drop",
        done="dropped",
        term="masking (removal of the attribute)",
        summary="Leaves the column out.",
        accepts=EVERY_FAMILY,
    )

    @classmethod
    def configure(cls, _options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method; it has no options."""
        return cls()

    def output_type(self, _input_type: pa.DataType) -> None:
        """Return None: there is no output."""
        return

    def shape(self) -> Shape:
        """Promise that the column is not there."""
        return Shape(absent=True)

    def apply(self, _column: pa.Array, surroundings: Surroundings) -> NoReturn:
        """Refuse: a dropped column is not to be masked but left out."""
        raise MaskingError(f'column "{surroundings.column}" is dropped and has no masked form')
