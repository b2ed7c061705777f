"""What a cell's method may look at beside the cell: other columns, each as long as the column that is masked.

The rows of a batch are one frame. The elements of a list are another: what its rows have, an element has as often as
there are elements, and its siblings in the same element it has besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.methods.nesting import element_type, field_of, is_list, taken
from maskgate.methods.opening import opened, opened_type
from maskgate.rules.path import ELEMENTS, Path
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from maskgate.rules.path import Step


@dataclass(frozen=True)
class Reference:
    """Where another column is, as seen from the column that is masked.

    Attributes:
        depth: How many lists both share.
        names: The way from there: column, field, field of the field.
        type: The type that is found.
    """

    depth: int
    names: tuple[str, ...]
    type: pa.DataType = field(compare=False)

    def is_at(self, path: Path) -> bool:
        """Say whether the column that is masked, at this path, is the very one that it looks at."""
        return (self.depth, self.names) == _place_of(path.steps)


@dataclass(eq=False)
class Frame:
    """Rows, or elements of lists, in one batch.

    Attributes:
        items: The batch, or the elements.
        up: The frame around this one, for elements.
        parents: For each element the place of its list in the frame around.
    """

    items: pa.RecordBatch | pa.Array = field(repr=False)
    up: Frame | None = None
    parents: pa.Array | None = field(default=None, repr=False)
    _found: dict[Reference, pa.Array] = field(default_factory=dict, repr=False)

    def inside(self, items: pa.Array, parents: NDArray[np.int64]) -> Frame:
        """Return the frame of elements of lists in this one."""
        return Frame(items, self, pa.array(parents))

    @property
    def depth(self) -> int:
        """How many lists there are around."""
        return 0 if self.up is None else self.up.depth + 1

    def column(self, reference: Reference) -> pa.Array:
        """Return original values of another column, one for each row or element here."""
        if reference not in self._found:
            if self.up is None or reference.depth == self.depth:
                self._found[reference] = self._walk(reference.names)
            else:
                self._found[reference] = taken(self.up.column(reference), self.parents)
        return self._found[reference]

    def _walk(self, names: tuple[str, ...]) -> pa.Array:
        column, fields = self.items, names
        if isinstance(column, pa.RecordBatch):
            column, fields = column.column(names[0]), names[1:]
        column = opened(column)
        for name in fields:
            # A field is null where its struct is.
            column = opened(field_of(column, column.type.get_field_index(name)))
        return column


def find_reference(text: str, schema: pa.Schema, of: Path) -> Reference:
    """Find another column.

    Args:
        text: Its path, as the rules write it.
        schema: The schema of the data.
        of: The path of the column that is masked, which it is looked at from.

    Raises:
        ValueError: If there is none, or a row has many; the message goes behind the name of the column.
    """
    if text in schema.names and not _leads_inside(text, schema):
        return Reference(0, (text,), opened_type(schema.field(text).type))
    steps = Path.parse(text).steps
    lists = [at for at, step in enumerate(steps) if step == ELEMENTS]
    kind = _type_at(steps, schema)
    if any(steps[: at + 1] != of.steps[: at + 1] for at in lists):
        raise ValueError("it is inside of a list, so that there may be many for one. Name a column of the row itself")
    return Reference(*_place_of(steps), kind)


def _place_of(steps: tuple[Step, ...]) -> tuple[int, tuple[str, ...]]:
    """Return how many lists a path goes into, and the names behind the last of them."""
    lists = [at for at, step in enumerate(steps) if step == ELEMENTS]
    after = steps[lists[-1] + 1 :] if lists else steps
    return len(lists), tuple(str(step.name) for step in after)


def _leads_inside(text: str, schema: pa.Schema) -> bool:
    head = Path.parse(text).steps[0].name if "." in text else None
    return head in schema.names and pa.types.is_nested(opened_type(schema.field(head).type))


def _type_at(steps: tuple[Step, ...], schema: pa.Schema) -> pa.DataType:
    kind: pa.DataType = pa.struct(list(schema))
    for step in steps:
        if step == ELEMENTS:
            if not is_list(kind) and not pa.types.is_map(kind):
                raise ValueError(f"there is no list to go into, but {kind}")
            kind = opened_type(element_type(kind))
            continue
        names = [item.name for item in kind] if pa.types.is_struct(kind) else []
        if step.name not in names:
            raise ValueError(f"it is not in the data.{did_you_mean(str(step.name), names)}".rstrip("."))
        kind = opened_type(kind.field(step.name).type)
    return kind
