"""Draws that belong to an entity: the same key, context, entity and value draw the same, in any table or batch.

A draw is one AES call on one block. Where the entity is a whole number, the block holds it and the value:

    AES(number ‖ value)

Any other entity is digested first, under a subkey of its own, and where 64 bits do not say all of a value (see
:class:`~maskgate.methods.numbers.Numbers`), a further step is chained behind: for integers, with the rest that the
nearest double leaves; for other decimals, with the digest of their digits:

    AES(CMAC(entity) xor value)        AES(draw xor rest)        AES(draw xor CMAC(digits))

An entity is a whole number by its spelling, not by its type: ``42`` read from CSV and the int64 42 draw the same.
Every step has a subkey of its own, made for the method and all that the draw depends on, so that no two of them ever
meet in one block. A draw is even as long as AES is a pseudo-random permutation and cells are far fewer than 2^64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from maskgate.crypto import cmac
from maskgate.crypto.room import room
from maskgate.errors import MaskingError
from maskgate.methods.layout import plain
from maskgate.methods.token_input import check_token_input, token_input
from maskgate.methods.whole_numbers import whole_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maskgate.methods.method import Surroundings
    from maskgate.methods.numbers import Inexact

# So many rows at a time stay in the processor's cache.
ROWS = 65536
_BLOCK = 16
# AES-128 draws a third faster than AES-256, and 128 bits are what a draw has.
_KEY_BYTES = 16


class EntityDraws:
    """Two words of 64 even bits for every cell of a column, some thousand rows at a time.

    Args:
        column: The column that is masked.
        surroundings: Holds the key and the entities.
        purpose: The method.
        context: Everything else that the draw depends on beside entity and value.
        inexact: The cells whose values are longer than the 64 bits that :meth:`draw` is given; None if there are none.

    Raises:
        MaskingError: If there is no key, or no entity for a cell that is not null.
    """

    def __init__(
        self,
        column: pa.Array,
        surroundings: Surroundings,
        *,
        purpose: str,
        context: str,
        inexact: Inexact | None = None,
    ) -> None:
        key = surroundings.key
        if key is None:
            raise MaskingError(f'column "{surroundings.column}": {purpose} needs a key')

        def subkey(use: str) -> bytes:
            return key.subkey(purpose=f"{purpose}: {use}", scheme="aes", domain=context, length=_KEY_BYTES)

        self._length = len(column)
        self._entities = _Entities.by_portions(_entity_column(column, surroundings), subkey("entity"))
        self._by_number, self._by_name = (_Cipher(subkey(use)) for use in ("number", "name"))
        self._chains: list[_Rests | _Digits] = []
        if inexact is not None:
            self._chains.append(_Rests(subkey("rest"), inexact.rests))
        if inexact is not None and len(inexact.places):
            digests = cmac.digest(inexact.digits, subkey("value"))
            words = np.concatenate([_words(each) for each in digests.chunks])
            self._chains.append(_Digits(subkey("digits"), inexact.places, words))

    def portions(self) -> Iterator[slice]:
        """Cut the rows into portions that :meth:`draw` takes."""
        for start in range(0, self._length, ROWS):
            yield slice(start, min(start + ROWS, self._length))

    def draw(self, rows: slice, values: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
        """Draw for a portion of the rows, by entity alone or by entity and value.

        Args:
            rows: One of :meth:`portions`.
            values: 64 bits that stand for the value of each cell.

        Returns:
            Two words a cell, overwritten by the next call.
        """
        drawn = self._drawn(rows, values)
        if values is not None:
            for chain in self._chains:
                drawn = chain.draw(rows, drawn, values)
        return drawn

    def _drawn(self, rows: slice, values: NDArray[np.uint64] | None) -> NDArray[np.uint64]:
        here = self._entities(rows)
        numbers, names, is_number = here.numbers, here.names, here.is_number
        by_number = np.empty((0, 2), np.uint64)
        if numbers is not None:
            blocks = self._by_number.blocks(rows.stop - rows.start)
            blocks[:, 0] = numbers
            blocks[:, 1] = 0 if values is None else values
            by_number = self._by_number.encrypted(blocks)
        if names is None:
            return by_number
        blocks = self._by_name.blocks(rows.stop - rows.start)
        blocks[:] = names
        if values is not None:
            blocks[:, 1] ^= values
        by_name = self._by_name.encrypted(blocks)
        if is_number is not None:
            np.copyto(by_name, by_number, where=is_number[:, np.newaxis])
        return by_name


class _Entities:
    """The entity of some rows: a whole number, or the digest of anything else."""

    def __init__(
        self,
        numbers: NDArray[np.uint64] | None,
        names: NDArray[np.uint64] | None,
        is_number: NDArray[np.bool_] | None,
    ) -> None:
        self.numbers, self.names, self.is_number = numbers, names, is_number

    @classmethod
    def by_portions(cls, column: pa.Array, key: bytes) -> Callable[[slice], _Entities]:
        """Return a function that gives the entities of some rows of a column."""
        if pa.types.is_integer(column.type):
            # Looked at where they are used, while they are in the cache.
            return lambda rows: cls.of(column.slice(rows.start, rows.stop - rows.start), key)
        return cls.of(column, key).at

    def at(self, rows: slice) -> _Entities:
        """Return those of some of the rows."""
        return _Entities(
            None if self.numbers is None else self.numbers[rows],
            None if self.names is None else self.names[rows],
            None if self.is_number is None else self.is_number[rows],
        )

    @classmethod
    def of(cls, column: pa.Array, key: bytes) -> _Entities:
        """Return those of a whole column."""
        if pa.types.is_dictionary(column.type):
            entries = cls.of(column.dictionary, key)
            if len(column.dictionary) == 0:
                return cls(np.zeros(len(column), np.uint64), None, None)
            codes = column.indices.cast(pa.int64()).fill_null(0).to_numpy()
            parts = (entries.numbers, entries.names, entries.is_number)
            return cls(*(None if part is None else part.take(codes, axis=0) for part in parts))
        numbers, is_number = whole_numbers(column)
        if is_number is None:
            return cls(numbers.view(np.uint64), None, None)
        if not is_number.any():
            return cls(None, _words(cmac.digest(token_input(column), key)), None)
        names = np.zeros((len(column), 2), np.uint64)
        others = np.flatnonzero(~is_number)
        names[others] = _words(cmac.digest(token_input(pc.take(column, pa.array(others))), key))
        return cls(numbers.view(np.uint64), names, is_number)


class _Cipher:
    """AES under one key, with room for the blocks of one portion."""

    def __init__(self, key: bytes) -> None:
        self._encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  the block cipher itself is wanted
        self._blocks: NDArray[np.uint64] | None = None
        self._output: NDArray[np.uint8] | None = None

    def blocks(self, count: int) -> NDArray[np.uint64]:
        """Return room for so many blocks."""
        if self._blocks is None:
            self._blocks = room(ROWS * 2, "<u8").reshape(ROWS, 2)
        return self._blocks[:count]

    def encrypted(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Encrypt blocks, into room that the next call overwrites."""
        if self._output is None:
            self._output = room(ROWS * _BLOCK + _BLOCK - 1, np.uint8)
        self._encryptor.update_into(blocks.data.cast("B"), self._output.data)
        return self._output[: blocks.nbytes].view("<u8").reshape(-1, 2)


class _Rests:
    """A further step for integers whose nearest doubles leave a rest."""

    def __init__(self, key: bytes, rests: Callable[[slice, NDArray[np.float64]], NDArray[np.int64] | None]) -> None:
        self._cipher, self._rests = _Cipher(key), rests

    def draw(self, rows: slice, drawn: NDArray[np.uint64], values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what is drawn for some rows, and overwrite what was."""
        found = self._rests(rows, values.view(np.float64))
        if found is None:
            return drawn
        rests = found.view(np.uint64)
        stay = np.flatnonzero(rests == 0)
        if len(stay) == len(rests):
            return drawn
        # All at once, and then put back where there is none, which is faster than to pick cells.
        kept = drawn[stay]
        drawn[:, 0] ^= rests
        further = self._cipher.encrypted(drawn)
        further[stay] = kept
        return further


class _Digits:
    """A further step for other cells whose values are longer than 64 bits say."""

    def __init__(self, key: bytes, places: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
        self._cipher, self._places, self._words = _Cipher(key), places, words

    def draw(self, rows: slice, drawn: NDArray[np.uint64], _values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what is drawn for some rows, written over what was."""
        first, last = np.searchsorted(self._places, (rows.start, rows.stop))
        if first < last:
            here = self._places[first:last] - rows.start
            blocks = self._cipher.blocks(last - first)
            np.bitwise_xor(drawn[here], self._words[first:last], out=blocks)
            drawn[here] = self._cipher.encrypted(blocks)
        return drawn


def _entity_column(column: pa.Array, surroundings: Surroundings) -> pa.Array:
    where = f'column "{surroundings.column}"'
    entity = surroundings.entity
    if entity is None or len(entity) != len(column):
        raise MaskingError(f"{where}: nobody said whose rows these are. Add `entity:` to the table.")
    try:
        check_token_input(entity.type)
    except ValueError as error:
        raise MaskingError(f"{where}: the entity column cannot be used: {error}") from None
    if entity.null_count:
        missing = pc.sum(pc.and_(entity.is_null(), column.is_valid())).as_py()
        if missing:
            raise MaskingError(
                f"{where}: {missing} rows have a value and no entity, so that nobody can say whose they are. "
                "Fill in the entity, or drop or nullify the column."
            )
    return entity if pa.types.is_dictionary(entity.type) else plain(entity)


def _words(digests: pa.Array) -> NDArray[Any]:
    """View the digests of cells, and zeros for those that are null, as two words each."""
    return np.frombuffer(digests.buffers()[1], "<u8", len(digests) * 2, digests.offset * _BLOCK).reshape(-1, 2)
