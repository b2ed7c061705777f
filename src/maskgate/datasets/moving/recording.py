"""The cells that change rows, taken down as their method would get them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from maskgate.datasets.moving.groups import Groups
from maskgate.datasets.moving.strip import Strip
from maskgate.errors import DatasetError
from maskgate.masking.joining import joined
from maskgate.methods.layout import null_count, plain
from maskgate.methods.method import Method, Surroundings
from maskgate.methods.nesting import nulls
from maskgate.methods.permutation import with_zeros
from maskgate.methods.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.datasets.moving.spill import Spill
    from maskgate.methods.method import Declaration, Domain
    from maskgate.methods.shape import Shape

CELLS, GROUP = "cells", "group"


class StandIn(Method):
    """A method that does something else for a while, and is still described as it was.

    Args:
        method: The method that it stands in for.
        act: What it does.
    """

    def __init__(self, method: Method, act: Callable[[pa.Array, Surroundings], pa.Array]) -> None:
        self._method, self._act = method, act

    @property
    def declaration(self) -> Declaration:  # type: ignore[override]  # an object stands in for a class here
        """What the method declares, but that it takes some rows at a time."""
        return replace(self._method.declaration, whole_table=False)

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:  # noqa: ARG003  for overriding
        """Raise, since it stands in for a method that is configured."""
        raise ValueError("it cannot be configured")

    def output_type(self, input_type: pa.DataType) -> pa.DataType | None:
        """Return what the method does."""
        return self._method.output_type(input_type)

    def shape(self) -> Shape:
        """Return what the method does."""
        return self._method.shape()

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Act."""
        return self._act(column, surroundings)

    def invalid(self, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:
        """Return what the method does."""
        return self._method.invalid(column, surroundings)


@dataclass(frozen=True, slots=True)
class TakenDown:
    """How many cells a portion has.

    Attributes:
        rows_before: How many come before.
        present_before: How many of those are not null.
        rows: How many cells there are.
        nulls: How many of them are null.
    """

    rows_before: int
    present_before: int
    rows: int
    nulls: int

    @property
    def present(self) -> int:
        """How many of them are not null."""
        return self.rows - self.nulls


@dataclass(eq=False)
class Recording:
    """The cells that one case of a column's rule is for, in the order of the rows.

    Attributes:
        method: What moves them.
        spill: Where they go when they are too many.
        most_bytes: How many bytes of them are held.
        is_held: Whether there is no other way than to hold all.
        surroundings: What the method may know beside.
        groups: The groups of rows, if the method makes some.
        taken_down: What was taken down of each portion, by its first row.
        rows: How many cells there are.
        present: How many of them are not null.
        strip: Where they are, once they are not held.
    """

    method: Method
    spill: Spill
    most_bytes: int
    is_held: bool
    surroundings: Surroundings | None = None
    groups: Groups | None = None
    taken_down: dict[int, TakenDown] = field(default_factory=dict)
    rows: int = 0
    present: int = 0
    strip: Strip | None = None
    _held: list[pa.RecordBatch] = field(default_factory=list)
    _size: int = 0
    _others: tuple[str, ...] = ()

    def take_down(self, start: int, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Take down some cells, and return nulls in their stead.

        Args:
            start: The first row of the portion that they are of.
            column: The cells.
            surroundings: What else there is.

        Raises:
            DatasetError: If they are more than may be held, and there is no other way.
        """
        batch = self._batch(column, surroundings)
        here = TakenDown(self.rows, self.present, len(column), null_count(column))
        self.taken_down[start] = here
        self.rows += here.rows
        self.present += here.present
        self._size += batch.nbytes
        if self.strip is None:
            self._held.append(batch)
            if self._size > self.most_bytes:
                self._put_away(surroundings)
        else:
            self.strip.append(batch)
        return nulls(len(column), self.method.output_type(column.type))

    def _batch(self, column: pa.Array, surroundings: Surroundings) -> pa.RecordBatch:
        if self.surroundings is None:
            self.surroundings = replace(surroundings, columns={}, row_key=None, entity=None)
            self.groups = Groups(surroundings.column, self.most_bytes) if surroundings.columns else None
        if self.is_held:
            found = [column]
            for name in ("entity", "row_key"):
                if (other := getattr(surroundings, name)) is not None:
                    self._others = (*dict.fromkeys((*self._others, name)),)
                    found.append(other)
            found += surroundings.columns.values()
            return pa.RecordBatch.from_arrays(found, names=[str(at) for at in range(len(found))])
        columns = {CELLS: with_zeros(plain(column))}
        if self.groups is not None and isinstance(self.method, Swap):
            columns[GROUP] = pa.array(self.groups.numbers(self.method.grouping(surroundings, len(column))))
        return pa.record_batch(columns)

    def let_go(self) -> None:
        """Give back what is held."""
        self._held = []

    def _put_away(self, surroundings: Surroundings) -> None:
        if self.is_held:
            raise DatasetError(
                f'table "{surroundings.table}", column "{surroundings.column}": its method must see all of its cells '
                f"at once, and they are more than {self.most_bytes >> 20} MB in memory. Allow more with --memory, mask "
                "the table in parts of its own, or choose another method."
            )
        self.strip = Strip(self.spill, self._held[0].schema)
        for batch in self._held:
            self.strip.append(batch)
        self._held = []

    def whole(self) -> tuple[pa.Array, Surroundings]:
        """Return all cells that are held as one column, with what the method may know beside.

        Raises:
            MaskingError: If they are too many for their type.
        """
        assert self.surroundings is not None
        cells, *beside = joined(self._held, self._held[0].schema).columns
        names = self.method.reads()
        if not self.is_held:
            columns = () if self.groups is None else self.groups.columns(beside[0])
            return cells, replace(self.surroundings, columns=dict(zip(names, columns, strict=True)))
        columns = beside[len(beside) - len(names) :]
        others = dict(zip(self._others, beside, strict=False))
        return cells, replace(self.surroundings, columns=dict(zip(names, columns, strict=True)), **others)
