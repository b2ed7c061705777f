"""UUIDs of a column of digests: version 8 (RFC 9562, section 5.8), whose bits are left to whoever makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.crypto.hexadecimal import digits_of
from maskgate.crypto.texts import write_fixed_texts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from maskgate.crypto.texts import Portions

SIZE = 36
_BYTES = 16
_HYPHENS = (8, 13, 18, 23)
_VERSION_AT, _VARIANT_AT = 6, 8


def write_uuid8(column: pa.Array | Portions, *, prefix: str = "", large: bool = False) -> pa.Array:
    """Write the first 16 bytes of every cell as a UUID, six of their bits replaced; nothing where it is null.

    Args:
        column: ``fixed_size_binary`` of at least 16 bytes, at once or in portions.
        prefix: Text before the UUID.
        large: Return ``large_string`` instead of ``string``.

    Raises:
        OverflowError: If the text is longer than ``string`` can hold in one array (2 GiB).
    """
    return write_fixed_texts(column, SIZE, _write, prefix=prefix, large=large)


def _write(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    marked = cells[:, :_BYTES].copy()
    marked[:, _VERSION_AT] = (marked[:, _VERSION_AT] & 0x0F) | 0x80
    marked[:, _VARIANT_AT] = (marked[:, _VARIANT_AT] & 0x3F) | 0x80
    digits = digits_of(marked).reshape(len(cells), 2 * _BYTES)
    text = np.empty((len(cells), SIZE), np.uint8)
    start = 0
    for group, hyphen in enumerate((*_HYPHENS, SIZE)):
        text[:, start:hyphen] = digits[:, start - group : hyphen - group]
        start = hyphen + 1
    text[:, _HYPHENS] = ord("-")
    return text
