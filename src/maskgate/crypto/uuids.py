"""UUIDs as text (RFC 9562, section 4): 32 small hexadecimal digits in five groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.hexadecimal import digits_of
from maskgate.crypto.texts import write_fixed_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

SIZE = 36
BYTES = 16
_HYPHENS = (8, 13, 18, 23)


def write_uuids(column: pa.FixedSizeBinaryArray) -> pa.Array:
    """Write every cell of 16 bytes as a UUID; nothing where it is null.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    return write_fixed_texts(column, SIZE, spell)


def spell(cells: NDArray[np.uint8], text: NDArray[np.uint8]) -> None:
    """Write the characters of UUIDs, a row each."""
    digits = digits_of(np.ascontiguousarray(cells)).reshape(len(cells), 2 * BYTES)
    start = 0
    for group, hyphen in enumerate((*_HYPHENS, SIZE)):
        text[:, start:hyphen] = digits[:, start - group : hyphen - group]
        start = hyphen + 1
    text[:, _HYPHENS] = ord("-")
