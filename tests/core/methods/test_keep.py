"""What is kept stays as it is, type and all."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings
from maskgate.testing.haunted_columns import bytes_of, haunted_columns

KEEP = METHODS["keep"].configure({}, None)
HERE = Surroundings("customers", "column")


class TestKeep:
    @pytest.mark.parametrize("column", haunted_columns(), ids=lambda column: column.name)
    def test_every_type_comes_out_equal(self, column):
        assert KEEP.apply(column.array, HERE).equals(column.array) or pa.types.is_dictionary(column.array.type)

    def test_a_dictionary_keeps_its_values_and_its_order(self):
        column = pa.array(["b", "a", None, "b"]).dictionary_encode()
        ordered = pa.DictionaryArray.from_arrays(column.indices, pa.array(["low", "high"]), ordered=True)
        kept = KEEP.apply(ordered, HERE)
        assert kept.type == ordered.type
        assert kept.dictionary.to_pylist() == ["low", "high"]
        assert kept.to_pylist() == ["low", "high", None, "low"]

    @pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.uint64()], ids=str)
    def test_entries_that_no_row_uses_go_away(self, kind):
        """And with them what lies under nulls, be it no entry at all."""
        codes = pa.Array.from_buffers(kind, 4, [pa.py_buffer(b"\x0d"), pa.array([3, 99, 1, 3], kind).buffers()[1]])
        kept = KEEP.apply(pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "c", "d"]), safe=False), HERE)
        kept.validate(full=True)
        assert (kept.to_pylist(), kept.dictionary.to_pylist()) == (["d", None, "b", "d"], ["b", "d"])

    def test_a_corrupt_dictionary_is_refused(self):
        codes = pa.array([0, 7], pa.int8())
        with pytest.raises(MaskingError, match="point to no entry"):
            KEEP.apply(pa.DictionaryArray.from_arrays(codes, pa.array(["a"]), safe=False), HERE)

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            pytest.param([["a"], None, [], [None, "b"]], pa.large_list(pa.string()), id="large lists"),
            pytest.param([["a"], None, [], ["bc"]], pa.list_view(pa.string()), id="list views"),
            pytest.param([["a"], None, [], ["bc"]], pa.large_list_view(pa.string()), id="large list views"),
            pytest.param([[1, 2], None, [None, 3]], pa.list_(pa.int64(), 2), id="lists of a fixed size"),
            pytest.param([[{"a": ["x"]}], None], pa.list_(pa.struct([("a", pa.list_(pa.string()))])), id="nested deep"),
            pytest.param([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64()), id="maps"),
            pytest.param(["a", "a", None], pa.run_end_encoded(pa.int32(), pa.string()), id="runs"),
            pytest.param([{"a": 1}, None], pa.struct([pa.field("a", pa.int64(), metadata={"b": "c"})]), id="structs"),
        ],
    )
    def test_nested_columns_come_out_equal(self, values, kind):
        column = pa.array(values, kind)
        kept = KEEP.apply(column.slice(1), HERE)
        kept.validate(full=True)
        assert kept.type == kind
        assert kept.to_pylist() == column.slice(1).to_pylist()

    @pytest.mark.parametrize("mode", ["sparse", "dense"])
    def test_of_a_union_nothing_but_the_members_turn_is_left(self, mode):
        numbers, texts = pa.array([1, 0x5A515A51, None]), pa.array(["ZQZQ", "a", "ZQZQ"])
        codes = pa.array([0, 1, 0], pa.int8())
        if mode == "sparse":
            union = pa.UnionArray.from_sparse(codes, [numbers, texts])
        else:
            union = pa.UnionArray.from_dense(codes, pa.array([0, 1, 2], pa.int32()), [numbers, texts])
        for column in (union, pa.ListArray.from_arrays(pa.array([0, 1, 1, 3], pa.int32()), union)):
            kept = KEEP.apply(column, HERE)
            kept.validate(full=True)
            assert (kept.type, kept.to_pylist()) == (column.type, column.to_pylist())
            hidden = bytes_of(kept)
            assert b"ZQ" not in hidden
            assert b"QZQZ" not in hidden
            assert KEEP.apply(column.slice(1), HERE).to_pylist() == column.slice(1).to_pylist()
