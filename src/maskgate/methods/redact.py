"""Replace every value by one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.families import EVERY_FAMILY
from maskgate.methods.layout import text_type
from maskgate.methods.method import Declaration, Domain, Kind, Method, Parameter, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Redact(Method):
    """Replace every value by the same text; a null stays a null."""

    text: str

    declaration: ClassVar[Declaration] = Declaration(
        name="redact",
        term="masking (replacement by a constant)",
        summary="Replaces every value by one text; which cells are null still shows.",
        accepts=EVERY_FAMILY,
        parameters=(Parameter("with", Kind.STRING, "The text that stands for every value.", default="***"),),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method from ``with:``."""
        return cls(str(options.get("with", "***")))

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text."""
        return text_type(input_type)

    def shape(self) -> Shape:
        """Promise the one text."""
        return Shape(constant=self.text)

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return the text wherever there is a value."""
        kind = text_type(column.type)
        places = pc.if_else(column.is_valid(), pa.scalar(0, pa.int8()), pa.scalar(None, pa.int8()))
        if pa.types.is_dictionary(kind):
            entries = pa.array([self.text] if column.null_count < len(column) else [], kind.value_type)
            return pa.DictionaryArray.from_arrays(places.cast(kind.index_type), entries)
        return pc.take(pa.array([self.text], kind), places)
