"""Draws that belong to an entity: the same key, context and entity draw the same, whatever table or batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto import cmac
from maskgate.errors import MaskingError
from maskgate.methods.token_input import check_token_input, token_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.methods.method import Surroundings

_WORDS = cmac.BLOCK // 8


def draw_by_entity(
    column: pa.Array,
    surroundings: Surroundings,
    *,
    purpose: str,
    context: str,
    originals: NDArray[np.float64] | None = None,
) -> NDArray[np.uint64]:
    """Draw 128 bits for every cell, by its entity alone or by its entity and original value.

    Args:
        column: The column that is masked.
        surroundings: Holds the key and the entities.
        purpose: The method.
        context: Everything else that the draw depends on.
        originals: The cells' values, if equal entities with unequal values draw apart. As doubles, so that 42 draws
            the same whether it is kept as an integer, a decimal or a double.

    Returns:
        Two words a cell.

    Raises:
        MaskingError: If there is no key, or no entity for a cell that is not null.
    """
    key, entities = surroundings.key, _entities(column, surroundings)
    if key is None:
        raise MaskingError(f'column "{surroundings.column}": {purpose} needs a key')
    secret = key.subkey(purpose=purpose, scheme="cmac", domain=context)
    if originals is None:
        return _words(cmac.digest(entities, secret))
    # A digest of the entity has a fixed length, so that entity and value together can be read in one way only.
    names = cmac.digest(entities, key.subkey(purpose="entity", scheme="cmac", domain=context))
    message = np.empty((len(column), _WORDS + 1), ">u8")
    message[:, :_WORDS] = _words(names)
    message[:, _WORDS] = (originals + 0.0).view(np.uint64)
    cells = pa.Array.from_buffers(pa.binary(message.shape[1] * 8), len(column), [None, pa.py_buffer(message)])
    return _words(cmac.digest(cells, secret))


def _entities(column: pa.Array, surroundings: Surroundings) -> pa.Array:
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
    return token_input(entity)


def _words(digests: pa.Array) -> NDArray[np.uint64]:
    words = np.frombuffer(digests.buffers()[1], ">u8", len(digests) * _WORDS, digests.offset * cmac.BLOCK)
    return words.astype(np.uint64).reshape(-1, _WORDS)
