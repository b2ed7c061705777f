"""Hide the middle of a text and show its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.layout import by_value, text_type
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings
from maskgate.methods.shape import Shape, literally

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHOWN = 100


@dataclass(frozen=True)
class Mask(Method):
    """Replace each character by `char`, but for the first and last few.

    A text that is no longer than what would be shown is hidden whole, so that at least one character always is.
    The length still shows. Characters are Unicode code points.
    """

    keep_first: int
    keep_last: int
    char: str

    declaration: ClassVar[Declaration] = Declaration(
        name="mask",
        term="masking (partial)",
        summary="Hides a text but for its first or last characters; its length still shows.",
        accepts=frozenset({Family.STRING, Family.INTEGER, Family.NULL}),
        parameters=(
            Parameter(
                "keep_first",
                Kind.INTEGER,
                "Characters to show at the beginning.",
                default=0,
                minimum=0,
                maximum=MOST_SHOWN,
            ),
            Parameter(
                "keep_last", Kind.INTEGER, "Characters to show at the end.", default=0, minimum=0, maximum=MOST_SHOWN
            ),
            Parameter("char", Kind.STRING, "The character that hides another.", default="*"),
        ),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If ``char`` is not one character.
        """
        char = str(options.get("char", "*"))
        if len(char) != 1:
            raise ValueError(f"`char:` is one character, not {len(char)}")
        return cls(options.get("keep_first", 0), options.get("keep_last", 0), char)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text; integers become their digits."""
        return text_type(input_type)

    def shape(self) -> Shape:
        """Promise that nothing but the ends is anything else than `char`."""
        hidden = literally(self.char)
        if self.keep_first == self.keep_last == 0:
            return Shape(pattern=f"(?:{hidden})*")
        ends = f"(?s:.){{{self.keep_first}}}", f"(?s:.){{{self.keep_last}}}"
        return Shape(pattern=f"(?:{hidden})*|{ends[0]}(?:{hidden})+{ends[1]}")

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return every text with its middle hidden."""
        return by_value(column, self._masked)

    def _masked(self, values: pa.Array) -> pa.Array:
        text = values.cast(text_type(values.type))
        length = pc.utf8_length(text)
        if self.keep_first == self.keep_last == 0:
            return self._stars(length, text.type)
        hidden = pc.subtract(length, self.keep_first + self.keep_last)
        too_short = pc.less_equal(hidden, 0)
        nothing = pa.scalar("", text.type)
        first = pc.if_else(too_short, nothing, pc.utf8_slice_codeunits(text, 0, self.keep_first))
        last = nothing
        if self.keep_last:
            last = pc.if_else(too_short, nothing, pc.utf8_slice_codeunits(text, -self.keep_last))
        stars = self._stars(pc.if_else(too_short, length, hidden), text.type)
        return pc.binary_join_element_wise(first, stars, last, nothing)

    def _stars(self, counts: pa.Array, kind: pa.DataType) -> pa.Array:
        return pc.binary_repeat(pa.scalar(self.char, kind), counts)
