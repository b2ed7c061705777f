"""Groups of rows by the values of some columns, numbered while rows come in portions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from maskgate.errors import DatasetError
from maskgate.methods.grouping import group_numbers
from maskgate.methods.layout import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


_LEAST = 1 << 20


class Groups:
    """The groups that were seen so far, each with the values that make it.

    Args:
        column: The column whose values move, as messages call it.
        most_bytes: How many bytes these values may have.
    """

    def __init__(self, column: str, most_bytes: int) -> None:
        self._column, self._most = column, max(most_bytes, _LEAST)
        self._seen: list[pa.Array] = []

    def __len__(self) -> int:
        return len(self._seen[0]) if self._seen else 0

    def numbers(self, columns: Sequence[pa.Array]) -> NDArray[np.uint32]:
        """Return for each of some rows the number of its group, counted in the order in which groups were first seen.

        Raises:
            DatasetError: If there are more groups than memory holds.
        """
        here = group_numbers(columns)
        if here is None or len(here) == 0:
            return np.zeros(0 if here is None else len(here), np.uint32)
        _, firsts, places = np.unique(here, return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        first_rows = pa.array(firsts[order])
        known = [plain(column).take(first_rows) for column in columns]
        joined = [pa.concat_arrays(pair) for pair in zip(self._seen or _none_of(known), known, strict=True)]
        before, both = len(self), group_numbers(joined)
        assert both is not None
        table = np.full(int(both.max()) + 1, -1, np.int64)
        table[both[:before]] = np.arange(before)
        found = table[both[before:]]
        new = np.flatnonzero(found < 0)
        found[new] = before + np.arange(len(new))
        kept = pa.array(np.concatenate([np.arange(before), before + new]))
        self._seen = [each.take(kept) for each in joined] if len(new) else self._seen
        self._check_size()
        of_place = np.empty(len(order), np.uint32)
        of_place[order] = found
        return of_place[places]

    def final(self) -> NDArray[np.unsignedinteger[Any]]:
        """Return for each group the number that it has where all rows are looked at together.

        Numbers follow from the rows that have a group first, and those are the rows here.
        """
        numbers = group_numbers(self._seen)
        return np.zeros(0, np.uint32) if numbers is None else numbers

    def columns(self, numbers: pa.Array) -> list[pa.Array]:
        """Return the values that make the groups with these numbers, column by column."""
        return [each.take(numbers) for each in self._seen]

    def _check_size(self) -> None:
        if sum(each.nbytes for each in self._seen) > self._most:
            raise DatasetError(
                f'column "{self._column}": the columns of `within:` make {len(self):,} groups and more, whose values '
                "do not fit into memory. Allow more with --memory, or make larger groups."
            )


def _none_of(columns: Sequence[pa.Array]) -> list[pa.Array]:
    return [each.slice(0, 0) for each in columns]
