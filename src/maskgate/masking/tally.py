"""What no single batch can say: whether a value stands twice in a column, and how much noise one entity got."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.masking.records import Records, digests_of
from maskgate.methods.token_input import token_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from maskgate.masking.frames import Frame, Reference


@dataclass(frozen=True)
class Spending:
    """What each cell of a noisy column tells of its entity.

    Attributes:
        epsilon: The epsilon of one cell.
        entity: Where the entity is, as seen from the column.
        place: Which rows or elements these are: the path of the list around the column, empty for the table.
    """

    epsilon: float
    entity: Reference
    place: str


@dataclass(eq=False)
class Tally:
    """Collects digests over all batches of a table.

    Attributes:
        table: The name of the table.
        unique: Paths of the columns in which no value may stand twice.
        spending: Noisy columns, by path.
    """

    table: str
    unique: frozenset[str] = frozenset()
    spending: Mapping[str, Spending] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    _records: dict[str, Records] = field(default_factory=dict, repr=False)

    def look(self, path: str, masked: pa.Array, frame: Frame, records: dict[str, NDArray[np.uint64]]) -> None:
        """Put the records of one column of one batch with those of others; on any thread."""
        if path in self.unique:
            records[f"unique {path}"] = digests_of(masked, self._secret)
        spent = self.spending.get(path)
        if spent is not None and f"entity {spent.place}" not in records:
            entities = token_input(frame.column(spent.entity))
            records[f"entity {spent.place}"] = digests_of(entities, self._secret)

    def add(self, records: Mapping[str, NDArray[np.uint64]]) -> None:
        """Take the records of one batch; on one thread."""
        for name, digests in records.items():
            self._records.setdefault(name, Records()).add(digests)

    def problems(self) -> Iterator[str]:
        """Say in which columns values stand twice, and how many."""
        for path in sorted(self.unique):
            records = self._records.get(f"unique {path}")
            repeated = 0 if records is None else records.repeated()
            if repeated:
                yield (
                    f'table "{self.table}", column "{path}": {repeated} values stand there a second time, and '
                    "`check:` wants each only once, so that nothing comes out. Choose a method that keeps values "
                    "apart, or look for repeated originals."
                )

    def epsilon(self) -> float | None:
        """Return the most that one entity spends over all columns and rows; None if nothing is spent."""
        if not self.spending:
            return None
        most = {name: records.most() for name, records in self._records.items() if name.startswith("entity ")}
        return sum(each.epsilon * most.get(f"entity {each.place}", 0) for each in self.spending.values())

    def close(self) -> None:
        """Give the memory back."""
        for records in self._records.values():
            records.close()
        self._records.clear()
