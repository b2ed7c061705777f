"""UUIDs of a column of digests: version 8 (RFC 9562, section 5.8), whose bits are left to whoever makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.crypto.texts import write_fixed_texts
from maskgate.crypto.uuids import BYTES, SIZE, spell

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from maskgate.crypto.texts import Portions

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


def _write(cells: NDArray[np.uint8], text: NDArray[np.uint8]) -> None:
    marked = cells[:, :BYTES].copy()
    marked[:, _VERSION_AT] = (marked[:, _VERSION_AT] & 0x0F) | 0x80
    marked[:, _VARIANT_AT] = (marked[:, _VARIANT_AT] & 0x3F) | 0x80
    spell(marked, text)
