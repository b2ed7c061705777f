"""Original values of protected columns that come out again, in whatever column.

A value counts as it is spelled when it is tokenized, so that the text ``123456`` is the number 123456. Two places are
looked at: every cell of the output, whatever its row, as a whole; and every text of the output, for the values of its
own row inside of it. Values of fewer than four bytes are not looked for: they stand everywhere.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.masking.records import Records, digests_of
from maskgate.masking.single_values import SingleValues, value_types, values_of
from maskgate.masking.values_in_text import SoughtValues
from maskgate.methods.families import family_of
from maskgate.methods.layout import countable, plain
from maskgate.methods.method import Family
from maskgate.methods.token_input import check_token_input, token_input
from maskgate.rules.path import Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

FEWEST_BYTES = 4

# A record is 13 bytes of a digest, and 3 bytes that say which column it is from.
_COLUMN_BITS = np.uint64(24)
_COLUMN = np.uint64((1 << 24) - 1)


@dataclass(frozen=True)
class Traces:
    """What one batch tells.

    Attributes:
        digests: Of originals and of masked cells, each with its column.
        inside: How many texts have a value of their row in them, by the protected column and that of the texts.
    """

    digests: NDArray[np.uint64] = field(repr=False)
    inside: Mapping[tuple[str, str], int]


class Survivors:
    """Collects over all batches of a table what tells whether originals come out.

    Args:
        table: The name of the table.
        protected: Paths of the columns of which no value may come out.
        output: The schema that comes out.
    """

    def __init__(self, table: str, protected: Sequence[str], output: pa.Schema) -> None:
        self._table = table
        self._protected = tuple(protected)
        self._columns = list(dict.fromkeys(str(Path.parse(path).steps[0].name) for path in protected))
        self._outputs = tuple(path for path, kind in value_types(output).items() if _is_spelled(kind))
        self._secret = secrets.token_bytes(16)
        self._records = Records()
        self._inside: Counter[tuple[str, str]] = Counter()

    def look(self, batch: pa.RecordBatch, masked: pa.RecordBatch) -> Traces:
        """Look at a batch, before and after; on any thread."""
        digests, sought = [], {}
        for found in values_of(batch.select(self._columns)):
            if found.path in self._protected:
                digests.append(self._digests(found.cells, self._protected.index(found.path)))
                sought[found.path] = _sought(found, batch.num_rows)
        inside: Counter[tuple[str, str]] = Counter()
        numbers = {path: number for number, path in enumerate(self._outputs, len(self._protected))}
        for found in values_of(masked):
            if found.path not in numbers:
                continue
            digests.append(self._digests(found.cells, numbers[found.path]))
            if family_of(found.cells.type) is Family.STRING:
                for path, values in sought.items():
                    inside[path, found.path] += values.count_in(found.cells, found.rows)
        return Traces(np.concatenate([np.zeros((0, 2), np.uint64), *digests]), inside)

    def add(self, traces: Traces) -> None:
        """Take what a batch tells; on one thread."""
        self._records.add(traces.digests)
        self._inside.update(traces.inside)

    def problems(self) -> Iterator[str]:
        """Say where originals came out, and how many."""
        whole = np.zeros((len(self._protected), len(self._outputs)), np.int64)
        for part in self._records.parts():
            whole += _shared(part, *whole.shape)
        for output, counts in zip(self._outputs, whole.T.tolist(), strict=True):
            for path, values in zip(self._protected, counts, strict=True):
                texts = self._inside[path, output]
                said = [f'{values} original values of "{path}" stand there as whole cells'] * (values > 0)
                said += [f'{texts} texts have a value of "{path}" of their own row in them'] * (texts > 0)
                if said:
                    yield (
                        f'table "{self._table}", column "{output}": {", and ".join(said)}; `check:` lets none survive, '
                        f'so that nothing comes out. Mask "{output}" so that they are gone, or take "{path}" out of '
                        "`no_value_survives:`."
                    )

    def close(self) -> None:
        """Give the memory back."""
        self._records.close()

    def _digests(self, cells: pa.Array, number: int) -> NDArray[np.uint64]:
        """Return a record of each different value of a column."""
        long, _ = _long(token_input(_distinct(cells)))
        digests = digests_of(long, self._secret).copy()
        digests[:, 1] = digests[:, 1] & ~_COLUMN | np.uint64(number)
        return digests


def _is_spelled(kind: pa.DataType) -> bool:
    try:
        check_token_input(kind)
    except ValueError:
        return False
    return True


def _sought(found: SingleValues, row_count: int) -> SoughtValues:
    values, places = _long(token_input(found.cells))
    return SoughtValues.of(values, found.rows if places is None else found.rows[places], row_count)


def _distinct(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return plain(column.dictionary).take(column.indices.unique().drop_null())
    return countable(plain(column)).unique()


def _long(spelled: pa.Array) -> tuple[pa.Array, NDArray[np.int64] | None]:
    """Leave out nulls and short values; return what is left, and where it stood, None if nothing was left out."""
    kept = pc.fill_null(pc.greater_equal(pc.binary_length(spelled), FEWEST_BYTES), fill_value=False)
    if kept.true_count == len(spelled):
        return spelled, None
    places = np.flatnonzero(kept.to_numpy(zero_copy_only=False))
    return spelled.take(pa.array(places)), places


def _shared(part: NDArray[np.uint64], originals: int, outputs: int) -> NDArray[np.int64]:
    """Count the different values that each protected column has in common with each column of the output."""
    shared = np.zeros((originals, outputs), np.int64)
    is_original = (part[:, 1] & _COLUMN) < np.uint64(originals)
    # Hardly ever two different ones begin alike: what is left is what comes out, mostly nothing.
    masked = part[~is_original]
    masked = masked[_is_among(masked[:, 0], np.unique(part[is_original, 0]))]
    if not len(masked):
        return shared
    known = part[is_original]
    near = np.concatenate([known[_is_among(known[:, 0], np.unique(masked[:, 0]))], masked])
    order = np.lexsort((near[:, 1], near[:, 0]))
    near = near[order]
    # The records of one value stand together, in the order of their columns; each column may come several times.
    near = near[np.concatenate([[True], (near[1:] != near[:-1]).any(axis=1)])]
    columns = (near[:, 1] & _COLUMN).astype(np.int64)
    words = near[:, 1] >> _COLUMN_BITS
    is_next = (near[1:, 0] != near[:-1, 0]) | (words[1:] != words[:-1])
    values = np.concatenate([[0], np.cumsum(is_next)])
    for number in range(originals):
        has = np.zeros(len(near), bool)
        has[values[columns == number]] = True
        shared[number] = np.bincount(columns[has[values]], minlength=originals + outputs)[originals:]
    return shared


def _is_among(words: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(words), bool)
    nearest = np.minimum(np.searchsorted(known, words), len(known) - 1)
    return np.asarray(known[nearest] == words)
