"""Hide the middle of a text and show its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.layout import by_value, text_type
from maskgate.methods.mask_ascii import mask_ascii
from maskgate.methods.mask_text import TextMask
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, Surroundings
from maskgate.methods.shape import Shape, literally

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHOWN = 100
# Showing more single characters than this takes longer one by one than all at once.
_FEW = 16


@dataclass(frozen=True)
class Mask(Method):
    """Replace each character by `char`, but for the first and last few.

    A text of which no character would be hidden, such as one no longer than what shows, is hidden whole: at least one
    character always is, unless there is nothing in it but characters of `keep`. The length still shows, unless `length`
    stands for every length.
    Characters are Unicode code points.

    Attributes:
        keep_first: How many characters show at the beginning.
        keep_last: How many at the end.
        char: What hides a character.
        keep: Separators that show wherever they are.
        length: How many `char` stand for the hidden middle; None for as many as it has characters.
    """

    keep_first: int
    keep_last: int
    char: str
    keep: str
    length: int | None

    declaration: ClassVar[Declaration] = Declaration(
        name="mask",
        done="partly masked",
        term="masking (partial)",
        summary="Hides a text but for its first or last characters; its length still shows, without `length`.",
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
            Parameter("keep", Kind.STRING, "Separators to show wherever they are, such as '-'.", default=""),
            Parameter(
                "length",
                Kind.INTEGER,
                "How many `char` stand for the hidden part, so that its length does not show.",
                minimum=1,
                maximum=MOST_SHOWN,
            ),
        ),
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], _domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If ``char`` is not one character, or ``keep`` would show more than separators.
        """
        char, keep, length = str(options.get("char", "*")), str(options.get("keep") or ""), options.get("length")
        if len(char) != 1:
            raise ValueError(f"`char:` is one character, not {len(char)}")
        if any(character.isalnum() for character in keep) or char in keep:
            raise ValueError("`keep:` holds separators such as '-', no letters or digits, and not `char:`")
        if keep and length is not None:
            raise ValueError("`keep:` shows how long a text is, which `length:` hides; take one of them out")
        return cls(options.get("keep_first", 0), options.get("keep_last", 0), char, keep, length)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text; integers become their digits."""
        return text_type(input_type)

    def shape(self) -> Shape:
        """Promise that nothing but ends and separators is anything else than `char`."""
        hidden = literally(self.char)
        if self.keep:
            hidden = f"(?:{'|'.join(map(literally, [self.char, *sorted(set(self.keep))]))})"
        all_hidden = f"(?:{hidden})*" if self.length is None else f"(?:{hidden}){{{self.length}}}"
        if self.keep_first == self.keep_last == 0:
            return Shape(pattern=all_hidden)
        middle = f"(?:{hidden})+" if self.length is None else all_hidden
        ends = f"(?s:.){{{self.keep_first}}}", f"(?s:.){{{self.keep_last}}}"
        return Shape(pattern=f"{all_hidden}|{ends[0]}{middle}{ends[1]}")

    def apply(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return every text with its middle hidden."""
        return by_value(column, self._masked)

    def _masked(self, values: pa.Array) -> pa.Array:
        text = values.cast(text_type(values.type))
        shown = self.keep_first + self.keep_last
        in_bytes = (self.char + self.keep).isascii() and self.length is None and shown <= _FEW
        if in_bytes and pc.all(pc.string_is_ascii(text)).as_py() is not False:
            return mask_ascii(text, self.keep_first, self.keep_last, self.char.encode(), self.keep.encode())
        return TextMask(self.keep_first, self.keep_last, self.char, self.keep, self.length).apply(text)
