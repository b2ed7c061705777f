"""Replace every value by one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity, validity_buffer
from maskgate.methods.families import EVERY_FAMILY
from maskgate.methods.layout import text_type
from maskgate.methods.method import Declaration, Domain, Kind, Method, Parameter, Surroundings
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Redact(Method):
    """Replace every value by the same text; a null stays a null."""

    text: str

    declaration: ClassVar[Declaration] = Declaration(
        name="redact",
        done="replaced by a fixed text",
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
        if pa.types.is_dictionary(kind):
            valid = _present(column)
            codes = np.zeros(len(column), kind.index_type.to_pandas_dtype())
            buffers = [validity_buffer(valid), pa.py_buffer(codes)]
            places = pa.Array.from_buffers(kind.index_type, len(column), buffers)
            entries = pa.array([self.text] if places.null_count < len(places) else [], kind.value_type)
            return pa.DictionaryArray.from_arrays(places, entries)
        return self._repeated(column, kind)

    def _repeated(self, column: pa.Array, kind: pa.DataType) -> pa.Array:
        text, valid = self.text.encode(), _present(column)
        count = len(column) if valid is None else int(np.count_nonzero(valid))
        width = np.int64 if pa.types.is_large_string(kind) else np.int32
        if len(text) * count > np.iinfo(width).max:
            raise OverflowError(f"{count} texts of {len(text)} bytes do not fit one string array; use smaller batches")
        offsets = np.arange(len(column) + 1, dtype=width)
        if valid is not None:
            np.cumsum(valid, out=offsets[1:])
        np.multiply(offsets, len(text), out=offsets)
        buffers = [validity_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(text * count)]
        return pa.Array.from_buffers(kind, len(column), buffers)


def _present(column: pa.Array) -> NDArray[np.bool_] | None:
    """Return which cells are not null, where an entry of a dictionary, a run or a member of a union may be so too."""
    kind = column.type
    if pa.types.is_dictionary(kind) and not column.dictionary.null_count:
        return validity(column.indices)
    if not (pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) or pa.types.is_union(kind)):
        return validity(column)
    present: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return None if present.all() else present
