"""Tokens of several versions of a key: which version made a cell, and its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgate.keys import Key


def by_version(
    tokens: pa.Array, versions: Sequence[Key], work: Callable[[pa.Array, Key], pa.Array]
) -> tuple[pa.Array, pa.Array]:
    """Try one version of a key after the other on the tokens that none before it took.

    Args:
        tokens: A plain column.
        versions: Keys of one version each, at least one, in the order in which they are tried.
        work: Makes something of tokens under a key; null where a token is not of that version.

    Returns:
        What `work` made of each token, and the version under which it did (``int64``); both null where none did.
    """
    results = work(tokens, versions[0])
    taken = results.is_valid().to_numpy(zero_copy_only=False)
    found = np.where(taken, versions[0].version, 0)
    left = np.flatnonzero(tokens.is_valid().to_numpy(zero_copy_only=False) & ~taken)
    for key in versions[1:]:
        if len(left) == 0:
            break
        part = work(tokens.take(pa.array(left)), key)
        taken = part.is_valid().to_numpy(zero_copy_only=False)
        mask = np.zeros(len(tokens), bool)
        mask[left] = True
        results = pc.replace_with_mask(results, pa.array(mask), part)
        found[left[taken]] = key.version
        left = left[~taken]
    return results, pa.array(found, pa.int64(), mask=found == 0)
