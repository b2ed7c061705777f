"""Tokens of several versions of a key: which version made a cell, and its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgate.keys import Key


# The version that made most of so many tokens is tried first on all of them.
_SAMPLE = 1_000


def by_version(
    tokens: pa.Array, versions: Sequence[Key], work: Callable[[pa.Array, Key], pa.Array]
) -> tuple[pa.Array, pa.Array]:
    """Try one version of a key after the other on the tokens that none before it took.

    Args:
        tokens: A plain column.
        versions: Keys of one version each, at least one; no token is of two, so that their order does not matter.
        work: Makes something of tokens under a key; null where a token is not of that version.

    Returns:
        What `work` made of each token, and the version under which it did (``int64``); both null where none did.
    """
    first, *others = _most_frequent_first(tokens, versions, work)
    results = work(tokens, first)
    taken = results.is_valid().to_numpy(zero_copy_only=False)
    found = np.where(taken, first.version, 0)
    left = np.flatnonzero(tokens.is_valid().to_numpy(zero_copy_only=False) & ~taken)
    for key in others:
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


def _most_frequent_first(
    tokens: pa.Array, versions: Sequence[Key], work: Callable[[pa.Array, Key], pa.Array]
) -> list[Key]:
    if len(versions) == 1 or len(tokens) <= _SAMPLE:
        return list(versions)
    sample = tokens.slice(0, _SAMPLE)
    return sorted(versions, key=lambda key: work(sample, key).null_count)
