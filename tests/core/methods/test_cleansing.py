from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from maskgate.methods.cleansing import cleansed
from maskgate.methods.nesting import elements_of, fields_of, nulls

RUNS = pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])
UNION = pa.UnionArray.from_sparse(pa.array([0, 0, 0], pa.int8()), [pa.array(["a", "b", "c"])])


def with_bits(array, bits):
    return pa.Array.from_buffers(array.type, len(array), [pa.py_buffer(bits), *array.buffers()[1:]])


def in_struct(array, bits=b"\x05"):
    kind = pa.struct([pa.field("a", array.type)])
    return pa.Array.from_buffers(kind, 3, [pa.py_buffer(bits)], children=[array])


class TestCleansed:
    """No bit of what is not a cell is left, and no copy is made of what is clean."""

    def test_bits_behind_the_last_cell_go_away(self):
        column = pa.Array.from_buffers(pa.bool_(), 2, [pa.py_buffer(b"\xfd"), pa.py_buffer(b"\xfe")])
        kept = cleansed(column)
        assert kept.to_pylist() == [False, None]
        assert [buffer.to_pybytes() for buffer in kept.buffers()] == [b"\x01", b"\x00"]

    def test_so_do_those_of_cells_that_are_all_there(self):
        for bits in (b"\xff", b"\x03"):
            assert cleansed(with_bits(pa.array([1, 2]), bits)).buffers()[0] is None

    @pytest.mark.parametrize(
        "kind",
        [pa.int64(), pa.float16(), pa.time32("s"), pa.duration("us"), pa.binary(5), pa.decimal256(50, 2)],
        ids=str,
    )
    def test_nothing_lies_under_a_null(self, kind):
        width = kind.bit_width // 8
        column = pa.Array.from_buffers(kind, 3, [pa.py_buffer(b"\xf5"), pa.py_buffer(bytes(range(1, 1 + 3 * width)))])
        kept = cleansed(column)
        cells = kept.buffers()[1].to_pybytes()
        assert cells[width : 2 * width] == bytes(width)
        assert kept.equals(column)

    @pytest.mark.parametrize("column", [pa.array([1, None]), pa.array(["a", None]), pa.array([1.5])], ids=str)
    def test_a_clean_column_is_not_copied(self, column):
        assert cleansed(column) is column

    def test_a_null_entry_of_a_dictionary_becomes_a_null(self):
        """Arrow puts no dictionaries together that have one, so that no file of several chunks could be written."""
        column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", None, "b"]))
        kept = cleansed(column)
        assert (kept.to_pylist(), kept.dictionary.to_pylist()) == (["a", None, "b", None], ["a", "b"])


class TestTakenApart:
    """Types that have no place for nulls of their own are null where the struct or list around them is."""

    @pytest.mark.parametrize("column", [RUNS, UNION, pa.nulls(3)], ids=lambda column: str(column.type)[:12])
    def test_in_structs(self, column):
        (field,) = fields_of(in_struct(column))
        field.validate(full=True)
        cells = column.to_pylist()
        assert field.to_pylist() == [cells[0], None, cells[2]]

    @pytest.mark.parametrize("column", [RUNS, UNION], ids=lambda column: str(column.type)[:12])
    def test_in_structs_that_could_be_null(self, column):
        assert fields_of(in_struct(column, b"\x07"))[0].to_pylist() == column.to_pylist()

    def test_elements_of_null_lists_are_left_out(self):
        edges = pa.py_buffer(np.array([0, 1, 2, 3], np.int32))
        ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes([at] * 16) for at in range(3)], pa.binary(16)))
        for column in (RUNS, ids):
            lists = pa.Array.from_buffers(pa.list_(column.type), 3, [pa.py_buffer(b"\x05"), edges], children=[column])
            assert elements_of(lists).to_pylist() == [column.to_pylist()[0], column.to_pylist()[2]]

    @pytest.mark.parametrize(
        "kind",
        [
            pa.map_(pa.string(), RUNS.type),
            pa.struct([pa.field("a", RUNS.type), pa.field("b", pa.list_(RUNS.type, 2))]),
            pa.dense_union([pa.field("a", pa.int64()), pa.field("b", RUNS.type)]),
            pa.sparse_union([pa.field("a", RUNS.type)]),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_nulls_of_every_type_are_sound(self, kind, count):
        made = nulls(count, kind)
        made.validate(full=True)
        assert made.type == kind
        assert made.to_pylist() == [None] * count
