"""The plan of a column as a tree: what has a rule is a leaf, what is around it keeps its layout.

Nothing is flattened into the table: a list keeps its lengths, a struct its fields in their order, a null stays a null
and hides what lies under it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.masking.report import ColumnReport
from maskgate.methods.cleansing import cleansed
from maskgate.methods.nesting import elements_of, fields_of, list_type, lists, relaxed, sizes_of, structs
from maskgate.methods.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from maskgate.masking.column_plan import ColumnPlan
    from maskgate.masking.frames import Frame
    from maskgate.masking.tally import Tally

    Seen = Callable[[ColumnPlan, pa.Array, Frame], None]


@dataclass(eq=False)
class Pass:
    """One batch on its way through the tree.

    Attributes:
        table: The name of the table.
        tally: Looks at what only the whole run can say.
        reports: What was done, by the path of each column.
        records: What the tally found, by what it is about.
    """

    table: str
    tally: Tally
    reports: dict[str, ColumnReport] = field(default_factory=dict)
    records: dict[str, NDArray[np.uint64]] = field(default_factory=dict, repr=False)


class Node(Protocol):
    """A column, a field, or the elements of a list."""

    @property
    def type(self) -> pa.DataType | None:
        """The type that comes out; None if it goes away."""
        ...

    def leaves(self) -> Iterator[ColumnPlan]:
        """Give the plans inside, in the order of the data."""
        ...

    def mask(self, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        """Mask what is inside of a column; None if it goes away."""
        ...

    def look(self, column: pa.Array, frame: Frame, see: Seen) -> None:
        """Show the cells of each leaf as its plan would get them."""
        ...

    def with_plans(self, change: Callable[[ColumnPlan], ColumnPlan]) -> Node:
        """Return the same node with other plans in its leaves, which give the same types."""
        ...


@dataclass(frozen=True)
class Leaf:
    """What has a rule: mostly single values, or a nested column as a whole."""

    plan: ColumnPlan

    @property
    def type(self) -> pa.DataType | None:
        """The type that comes out."""
        return self.plan.type

    def leaves(self) -> Iterator[ColumnPlan]:
        """Give the plan."""
        yield self.plan

    def mask(self, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        """Mask the cells, and count."""
        column, plan = opened(column), self.plan
        if plan.output is None:
            run.reports[plan.input] = ColumnReport(plan.methods, column.null_count, None, facts=plan.facts)
            return None
        masked, invalid = plan.mask(run.table, relaxed(column), frame)
        # Kernels hand on bits and bytes of the originals that no cell shows, and so may methods of others.
        masked = cleansed(masked)
        run.reports[plan.input] = ColumnReport(plan.methods, column.null_count, masked.null_count, invalid, plan.facts)
        run.tally.look(plan.input, masked, frame, run.records)
        return masked

    def look(self, column: pa.Array, frame: Frame, see: Seen) -> None:
        """Show the cells."""
        see(self.plan, relaxed(opened(column)), frame)

    def with_plans(self, change: Callable[[ColumnPlan], ColumnPlan]) -> Leaf:
        """Return a leaf with another plan."""
        return Leaf(change(self.plan))


@dataclass(frozen=True)
class Struct:
    """A struct of which the fields have rules.

    Attributes:
        fields: All fields that go in.
        type: What comes out; None if all fields are dropped.
    """

    fields: tuple[Node, ...]
    type: pa.DataType | None

    @classmethod
    def of(cls, names: list[str], fields: list[Node]) -> Struct:
        """Put fields together."""
        kept = [pa.field(name, node.type) for name, node in zip(names, fields, strict=True) if node.type is not None]
        return cls(tuple(fields), pa.struct(kept) if kept else None)

    def leaves(self) -> Iterator[ColumnPlan]:
        """Give the plans of the fields."""
        for node in self.fields:
            yield from node.leaves()

    def mask(self, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        """Mask the fields; they are null where the struct is."""
        column = opened(column)
        masked = [node.mask(part, frame, run) for node, part in zip(self.fields, fields_of(column), strict=True)]
        kept = [each for each in masked if each is not None]
        if self.type is None:
            return None
        return structs(self.type, kept, column)

    def look(self, column: pa.Array, frame: Frame, see: Seen) -> None:
        """Show the cells of the fields."""
        for node, part in zip(self.fields, fields_of(opened(column)), strict=True):
            node.look(part, frame, see)

    def with_plans(self, change: Callable[[ColumnPlan], ColumnPlan]) -> Struct:
        """Return a struct with other plans."""
        return replace(self, fields=tuple(node.with_plans(change) for node in self.fields))


@dataclass(frozen=True)
class Lists:
    """A list, in any layout, of which the elements have rules.

    Attributes:
        elements: What happens to the elements.
        type: What comes out; None if they go away.
    """

    elements: Node
    type: pa.DataType | None

    @classmethod
    def of(cls, input_type: pa.DataType, elements: Node) -> Lists:
        """Put a list of another kind of elements together."""
        if elements.type is None:
            return cls(elements, None)
        item = pa.field(input_type.value_field.name, elements.type)
        return cls(elements, list_type(input_type, item))

    def leaves(self) -> Iterator[ColumnPlan]:
        """Give the plans of the elements."""
        yield from self.elements.leaves()

    def mask(self, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        """Mask the elements that lists show."""
        column = opened(column)
        items, sizes, inside = _items(column, frame)
        masked = self.elements.mask(items, inside, run)
        if masked is None or self.type is None:
            return None
        return lists(self.type, masked, sizes, validity(column))

    def look(self, column: pa.Array, frame: Frame, see: Seen) -> None:
        """Show the cells of the elements."""
        items, _, inside = _items(opened(column), frame)
        self.elements.look(items, inside, see)

    def with_plans(self, change: Callable[[ColumnPlan], ColumnPlan]) -> Lists:
        """Return a list with other plans."""
        return replace(self, elements=self.elements.with_plans(change))


@dataclass(frozen=True)
class Map:
    """A map of which keys and values have rules.

    Attributes:
        keys: What happens to the keys.
        values: What happens to the values.
        type: What comes out; None if both go away.
    """

    keys: Node
    values: Node
    type: pa.DataType | None

    @classmethod
    def of(cls, input_type: pa.MapType, keys: Node, values: Node) -> Map:
        """Put a map of other keys and values together."""
        if keys.type is None or values.type is None:
            return cls(keys, values, None)
        key = pa.field(input_type.key_field.name, keys.type, nullable=False)
        return cls(keys, values, pa.map_(key, pa.field(input_type.item_field.name, values.type)))

    def leaves(self) -> Iterator[ColumnPlan]:
        """Give the plans of keys, then of values."""
        yield from self.keys.leaves()
        yield from self.values.leaves()

    def mask(self, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        """Mask the entries that maps show."""
        column = opened(column)
        entries, sizes, inside = _items(column, frame)
        keys, values = fields_of(entries)
        masked_keys, masked_values = self.keys.mask(keys, inside, run), self.values.mask(values, inside, run)
        if masked_keys is None or masked_values is None or self.type is None:
            return None
        entry = pa.struct([self.type.key_field, self.type.item_field])
        masked = pa.Array.from_buffers(entry, len(entries), [None], children=[masked_keys, masked_values])
        return lists(self.type, masked, sizes, validity(column))

    def look(self, column: pa.Array, frame: Frame, see: Seen) -> None:
        """Show keys and values."""
        entries, _, inside = _items(opened(column), frame)
        for node, part in zip((self.keys, self.values), fields_of(entries), strict=True):
            node.look(part, inside, see)

    def with_plans(self, change: Callable[[ColumnPlan], ColumnPlan]) -> Map:
        """Return a map with other plans."""
        return replace(self, keys=self.keys.with_plans(change), values=self.values.with_plans(change))


def _items(column: pa.Array, frame: Frame) -> tuple[pa.Array, NDArray[np.int64], Frame]:
    """Return the elements or entries that lists or maps show, how many each shows, and their frame."""
    sizes, items = sizes_of(column), elements_of(column)
    return items, sizes, frame.inside(opened(items), np.repeat(np.arange(len(column)), sizes))
