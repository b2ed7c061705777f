"""Random nested columns with ghosts under every null, and what must become of their cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

GHOST = "ZQZQZQZQ"
GONE = object()
_TEXTS = ("", "a", "bc", "Ann Example")
_LEAVES = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
_LISTS = (pa.list_, pa.large_list, pa.list_view, pa.large_list_view)


@dataclass
class Haunting:
    """Makes types, cells and columns from one seed.

    Attributes:
        random: Where chance comes from.
    """

    random: Any

    def type(self, depth: int) -> pa.DataType:
        """Return a type with at most so many levels."""
        kind = self.random.choice(["leaf", *["struct", "list", "fixed", "map"] * (depth > 0)])
        if kind == "struct":
            return pa.struct([pa.field(f"f{at}", self.type(depth - 1)) for at in range(self.random.randint(1, 3))])
        if kind == "map":
            return pa.map_(self.random.choice(_LEAVES[:2]), self.type(depth - 1))
        if kind == "fixed":
            return pa.list_(self.type(depth - 1), self.random.randint(1, 3))
        return self.random.choice(_LISTS)(self.type(depth - 1)) if kind == "list" else self.random.choice(_LEAVES)

    def cell(self, kind: pa.DataType, *, ghost: bool = False) -> Any:
        """Return a cell; one that is a ghost all through if asked for."""
        if not ghost and self.random.random() < 0.2:
            return None
        if pa.types.is_struct(kind):
            return {item.name: self.cell(item.type, ghost=ghost) for item in kind}
        size = kind.list_size if pa.types.is_fixed_size_list(kind) else self.random.randint(0, 3) or ghost
        if pa.types.is_map(kind):
            key = (lambda: GHOST) if ghost else (lambda: f"k{self.random.randint(0, 9)}")
            return [(key(), self.cell(kind.item_type, ghost=ghost)) for _ in range(size)]
        if pa.types.is_nested(kind):
            return [self.cell(kind.value_type, ghost=ghost) for _ in range(size)]
        return GHOST if ghost else self.random.choice(_TEXTS)

    def column(self, cells: list[Any], kind: pa.DataType) -> pa.Array:
        """Make a column in which something lies under every null."""
        valid = np.array([cell is not None for cell in cells], bool)
        whole = self._whole([self.cell(kind, ghost=True) if cell is None else cell for cell in cells], kind)
        bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
        if bits is None:
            return whole
        if pa.types.is_dictionary(kind):
            codes = pa.Array.from_buffers(kind.index_type, len(whole), [bits, whole.indices.buffers()[1]])
            return pa.DictionaryArray.from_arrays(codes, whole.dictionary)
        nested = pa.types.is_nested(kind)
        count = 1 if pa.types.is_struct(kind) or pa.types.is_fixed_size_list(kind) else 2 + is_view(kind)
        buffers = whole.buffers()[1:count] if nested else whole.buffers()[1:]
        children = _children(whole) if nested else None
        return pa.Array.from_buffers(kind, len(whole), [bits, *buffers], children=children)

    def _whole(self, cells: list[Any], kind: pa.DataType) -> pa.Array:
        """Make a column of which no cell itself is null."""
        if pa.types.is_dictionary(kind):
            entries = [GHOST, *_TEXTS]
            codes = pa.array([entries.index(cell) for cell in cells], kind.index_type)
            return pa.DictionaryArray.from_arrays(codes, pa.array(entries))
        if pa.types.is_struct(kind):
            fields = [self.column([cell[item.name] for cell in cells], item.type) for item in kind]
            return pa.Array.from_buffers(kind, len(cells), [None], children=fields)
        if not pa.types.is_nested(kind):
            return pa.array(cells, kind)
        elements = [element for cell in cells for element in cell]
        if pa.types.is_map(kind):
            keys = self._whole([key for key, _ in elements], kind.key_type)
            values = self.column([value for _, value in elements], kind.item_type)
            entry = pa.struct([kind.key_field, kind.item_field])
            child = pa.Array.from_buffers(entry, len(elements), [None], children=[keys, values])
        else:
            child = self.column(elements, kind.value_type)
        if pa.types.is_fixed_size_list(kind):
            return pa.Array.from_buffers(kind, len(cells), [None], children=[child])
        width = np.int64 if pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind) else np.int32
        sizes = np.array([len(cell) for cell in cells], width)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(width)
        buffers = [offsets[:-1].copy(), sizes] if is_view(kind) else [offsets]
        return pa.Array.from_buffers(kind, len(cells), [None, *map(pa.py_buffer, buffers)], children=[child])


def is_view(kind: pa.DataType) -> bool:
    """Say whether a list keeps offsets and sizes."""
    return pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind)


def _children(array: pa.Array) -> list[pa.Array]:
    if pa.types.is_struct(array.type):
        return [array.field(at) for at in range(array.type.num_fields)]
    if pa.types.is_map(array.type):
        entry = pa.struct([array.type.key_field, array.type.item_field])
        return [pa.Array.from_buffers(entry, len(array.keys), [None], children=[array.keys, array.items])]
    return [array.values]


@dataclass
class Expectation:
    """What becomes of cells by simple methods.

    Attributes:
        methods: A method for each path.
    """

    methods: dict[str, str] = field(default_factory=dict)

    def of(self, cell: Any, kind: pa.DataType, path: str) -> Any:  # noqa: PLR0911  one a kind of type
        """Return the masked cell; `GONE` if nothing is left."""
        if pa.types.is_struct(kind):
            parts = {i.name: self.of(None if cell is None else cell[i.name], i.type, f"{path}.{i.name}") for i in kind}
            kept = {name: part for name, part in parts.items() if part is not GONE}
            return (None if cell is None else kept) if kept else GONE
        if pa.types.is_map(kind):
            if self.of(None, kind.item_type, f"{path}[].value") is GONE:
                return GONE
            return None if cell is None else [self._entry(each, kind, path) for each in cell]
        if pa.types.is_nested(kind):
            if self.of(None, kind.value_type, f"{path}[]") is GONE:
                return GONE
            return None if cell is None else [self.of(each, kind.value_type, f"{path}[]") for each in cell]
        method = self.methods[path]
        if method == "drop":
            return GONE
        return None if cell is None or method == "nullify" else cell if method == "keep" else "***"

    def _entry(self, entry: Any, kind: pa.DataType, path: str) -> Any:
        key, value = entry
        return self.of(key, kind.key_type, f"{path}[].key"), self.of(value, kind.item_type, f"{path}[].value")


def paths(kind: pa.DataType, path: str) -> list[str]:
    """Return the paths of all single values."""
    if pa.types.is_struct(kind):
        return [each for item in kind for each in paths(item.type, f"{path}.{item.name}")]
    if pa.types.is_map(kind):
        return [f"{path}[].key", *paths(kind.item_type, f"{path}[].value")]
    return paths(kind.value_type, f"{path}[]") if pa.types.is_nested(kind) else [path]


def all_bytes(array: pa.Array) -> bytes:
    """Return every byte that an array carries, also in a dictionary inside of it."""
    own = b"".join(buffer.to_pybytes() for buffer in array.buffers() if buffer is not None)
    if pa.types.is_dictionary(array.type):
        return own + all_bytes(array.dictionary)
    return own + b"".join(map(all_bytes, _children(array))) if pa.types.is_nested(array.type) else own
