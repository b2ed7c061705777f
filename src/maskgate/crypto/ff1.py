"""FF1, format-preserving encryption of every cell of a column at once (NIST SP 800-38G).

A cell becomes another one of the same length over the same alphabet, and back. The standard's limits hold: a radix of
2 to 65,536, at least two characters, and at least a hundred possible values of a length. A domain that small can be
searched by anybody who may ask for a few enciphered values; the draft of the standard's revision asks for a million.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from maskgate.crypto.cells import without_dictionary
from maskgate.crypto.ff1_alphabet import Alphabet
from maskgate.crypto.ff1_cells import permuted
from maskgate.crypto.ff1_permutation import Permutation, least_length
from maskgate.crypto.hidden import hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from maskgate.crypto.ff1_alphabet import Spelled
    from maskgate.crypto.ff1_digits import Strip

DIGITS = "0123456789"


def encrypt(column: pa.Array | pa.ChunkedArray, key: bytes, tweak: bytes = b"", alphabet: str = DIGITS) -> Any:
    """Encipher every cell.

    Args:
        column: Strings, in any layout.
        key: An AES key of 16, 24 or 32 bytes.
        tweak: Bytes that need not be secret; under another tweak, other values come out.
        alphabet: The characters that cells are made of, the digit 0 first.

    Returns:
        Strings of the same type, or of a dictionary's values; chunked if the column is, and null where it is.

    Raises:
        ValueError: If a cell has other characters or too few, the alphabet one of them twice, or the key another
            length. Cells are counted, not shown.
        TypeError: If the column holds no strings, or key or tweak no bytes.

    Example:
        >>> key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
        >>> encrypt(pa.array(["0123456789"]), key=key)[0].as_py()
        '2433477484'
    """
    key, characters = hidden(key), Alphabet(alphabet)
    return _permuted(column, characters, permutation(key, tweak, characters).encrypt)


def decrypt(column: pa.Array | pa.ChunkedArray, key: bytes, tweak: bytes = b"", alphabet: str = DIGITS) -> Any:
    """Decipher every cell; the inverse of :func:`encrypt`, with the same arguments and errors.

    There is nothing to see in a cell that was enciphered under another key: it gives another value.
    """
    key, characters = hidden(key), Alphabet(alphabet)
    return _permuted(column, characters, permutation(key, tweak, characters).decrypt)


def permutation(key: bytes, tweak: bytes, alphabet: Alphabet) -> Permutation:
    """Return FF1 over an alphabet.

    Raises:
        ValueError: If the key has another length than 16, 24 or 32 bytes.
        TypeError: If the tweak is not made of bytes.
    """
    if not isinstance(tweak, bytes | bytearray | memoryview):
        raise TypeError(f"a tweak is made of bytes, not of {type(tweak).__name__}")
    if len(key) not in (16, 24, 32):
        raise ValueError(f"an AES key has 16, 24 or 32 bytes, not {len(key)}")
    return Permutation(key, tweak, alphabet.radix)


def _permuted(column: pa.Array | pa.ChunkedArray, alphabet: Alphabet, permute: Callable[[Strip], None]) -> Any:
    kind = _text_type(column.type)
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    at_least = least_length(alphabet.radix)
    refuse = partial(_refuse, at_least)
    results = [permuted(_plain(chunk), alphabet, refuse, permute) for chunk in chunks]
    count = sum(count for _, count in results)
    if count:
        raise ValueError(
            f"cells that FF1 cannot take: {count}; each needs {at_least} characters or more, all of the alphabet"
        )
    arrays = [array.cast(kind) for array, _ in results]
    return pa.chunked_array(arrays, type=kind) if isinstance(column, pa.ChunkedArray) else arrays[0]


def _refuse(at_least: int, spelled: Spelled) -> NDArray[np.bool_]:
    short = spelled.counts < at_least
    return short if spelled.foreign is None else short | spelled.foreign


def _text_type(kind: pa.DataType) -> pa.DataType:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner):
        return inner
    raise TypeError(f"FF1 enciphers strings, not {kind}")


def _plain(chunk: pa.Array) -> pa.Array:
    chunk = without_dictionary(chunk)
    return chunk.cast(pa.large_string()) if pa.types.is_string_view(chunk.type) else chunk
