"""Random words that a key and the data decide.

They come from the key, from what the method is set to, and from a digest of the column itself: a run that is repeated
draws the same, and a release with other data something that has nothing to do with it. The digest is of the cells, so
that chunks, layouts and the order of a dictionary make no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from maskgate.canonical import canonical_bytes
from maskgate.crypto import hmac_sha256
from maskgate.crypto.cells import Cells, validity
from maskgate.crypto.room import room
from maskgate.errors import MaskingError
from maskgate.methods.fixed_width import portions, view
from maskgate.methods.layout import plain
from maskgate.methods.nested_cells import nested_cells
from maskgate.methods.permutation import with_zeros
from maskgate.methods.row_order import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from maskgate.methods.method import Surroundings

_ZEROS = memoryview(bytes(1 << 18))


class Chance:
    """Random words that a seed decides: the key stream of AES in counter mode.

    It is taken out of GCM, whose key stream that is from the third block on: OpenSSL makes it there several blocks at
    a time, which it does not where counter mode stands alone.
    """

    def __init__(self, seed: bytes) -> None:
        self._stream = Cipher(AES(seed), GCM(bytes(12))).encryptor()

    def words(self, count: int, kind: Any = np.uint64) -> NDArray[Any]:
        """Return the next words, of 32 or 64 bits."""
        words = room(count, np.dtype(kind).newbyteorder("<"))
        for rows in portions(count):
            self.fill(words[rows])
        return words

    def fill(self, words: NDArray[Any]) -> None:
        """Overwrite an array of at most one portion with the next words."""
        self._stream.update_into(_ZEROS[: words.nbytes], words.data.cast("B"))


class ContentDigest:
    """A digest of cells, which together with the key and some parameters decides about chance.

    The cells are hashed by GHASH under a secret key, and the result goes through HMAC under another (Carter and
    Wegman's way), which gives a seed that nobody without the key can tell from an even one.

    Args:
        surroundings: The key, and what is masked.
        purpose: The method.
        parameters: What it is set to.

    Raises:
        MaskingError: If there is no key.
    """

    def __init__(self, surroundings: Surroundings, purpose: str, parameters: Sequence[Any]) -> None:
        if surroundings.key is None:
            raise MaskingError(f'column "{surroundings.column}": {purpose} needs a key')
        self._key, self._purpose = surroundings.key, purpose
        self._context = canonical_bytes([surroundings.table, surroundings.column, *parameters]).decode()
        self._hashed = Cipher(AES(self._subkey("content")), GCM(bytes(12))).encryptor()

    def begin(self, size: int) -> None:
        """Begin one part of a column, such as the lengths of its cells, by how many bytes it has."""
        self._hashed.authenticate_additional_data(size.to_bytes(8, "little"))

    def add(self, part: NDArray[Any]) -> None:
        """Take the next bytes of this part."""
        self._hashed.authenticate_additional_data(part.view(np.uint8).reshape(-1).data)

    def chance(self) -> Chance:
        """Return random words that follow from all of it."""
        self._hashed.finalize()
        seed = hmac_sha256.digest(pa.array([self._hashed.tag]), self._subkey("seed"))[0].as_py()
        return Chance(seed)

    def _subkey(self, use: str) -> bytes:
        return self._key.subkey(purpose=f"{self._purpose}: {use}", scheme="order", domain=self._context)


def chance_for(
    columns: Sequence[pa.Array], surroundings: Surroundings, *, purpose: str, parameters: Sequence[Any]
) -> Chance:
    """Return random words that the key, the parameters and the columns' cells decide.

    Raises:
        MaskingError: If there is no key.
    """
    digest = ContentDigest(surroundings, purpose, parameters)
    for column in columns:
        # What is plain already is movable, and has zeros under its nulls.
        cells = column if (written := plain(column)) is column else with_zeros(written)
        for part in content_of(cells):
            digest.begin(part.nbytes)
            digest.add(part)
    return digest.chance()


def content_of(column: pa.Array) -> list[NDArray[Any]]:
    """Return arrays that differ wherever two columns of one type do, and nowhere else.

    Args:
        column: A plain column; if its cells are of a fixed width, with zeros under its nulls.
    """
    valid = validity(column)
    which = room(len(column), np.bool_) if valid is None else valid
    if valid is None:
        which[:] = True
    kind = column.type
    if pa.types.is_null(kind):
        return [which]
    if pa.types.is_nested(kind):
        cells = Cells.of(nested_cells(column, spelled))
        return [which, cells.lengths, cells.joined()]
    if pa.types.is_boolean(kind):
        return [which, column.fill_null(False).cast(pa.uint8()).to_numpy(zero_copy_only=False)]  # noqa: FBT003
    if any(is_(kind) for is_ in _OF_ANY_LENGTH):
        cells = Cells.of(column.drop_null() if column.null_count else column)
        return [which, cells.lengths, cells.joined()]
    return [which, view(column, f"V{kind.bit_width // 8}")]


_OF_ANY_LENGTH = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
