"""A dictionary is masked by the entries that rows use."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.errors import MaskingError
from maskgate.methods.layout import by_value, plain

INDEX_TYPES = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]


def encoded(codes, entries, index_type=None):
    return pa.DictionaryArray.from_arrays(pa.array(codes, index_type or pa.int32()), pa.array(entries, pa.string()))


class TestPlain:
    @pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.string()], ids=str)
    def test_a_dictionary_of_any_layout(self, kind):
        column = pa.DictionaryArray.from_arrays([0, None, 1], pa.array(["a", None]).cast(kind))
        assert plain(column).to_pylist() == ["a", None, None]


class TestByValue:
    def test_no_rows_and_no_entries(self):
        column = encoded([], [])
        assert by_value(column, pc.utf8_upper).equals(column)
        assert by_value(encoded([], ["unused"]), pc.utf8_upper).equals(column)

    def test_only_nulls(self):
        for entries in ([], ["unused"]):
            masked = by_value(encoded([None, None], entries), pc.utf8_upper)
            assert masked.to_pylist() == [None, None]
            assert len(masked.dictionary) == 0

    @pytest.mark.parametrize("index_type", INDEX_TYPES, ids=str)
    def test_every_type_of_index(self, index_type):
        masked = by_value(encoded([2, None, 0, 2], ["a", "b", "c"], index_type), pc.utf8_upper)
        masked.validate(full=True)
        assert masked.type == pa.dictionary(index_type, pa.string())
        assert masked.to_pylist() == ["C", None, "A", "C"]
        assert masked.dictionary.to_pylist() == ["C", "A"]

    def test_as_many_entries_as_an_index_can_say(self):
        column = encoded(range(256), [str(number) for number in range(256)], pa.uint8())
        assert by_value(column, pc.utf8_upper).equals(column)

    def test_entries_that_become_equal_become_one(self):
        masked = by_value(encoded([1, 0, 2], ["a", "A", "b"]), pc.utf8_upper)
        assert (masked.to_pylist(), masked.dictionary.to_pylist()) == (["A", "A", "B"], ["A", "B"])

    @pytest.mark.parametrize("index_type", INDEX_TYPES, ids=str)
    def test_entries_that_all_become_one(self, index_type):
        column = encoded([2, None, 0, 1, None], ["a", "b", "c"], index_type)
        masked = by_value(column, lambda values: pa.array(["*"] * len(values)))
        masked.validate(full=True)
        assert masked.type == column.type
        assert (masked.to_pylist(), masked.dictionary.to_pylist()) == (["*", None, "*", "*", None], ["*"])
        assert masked.indices.to_pylist() == [0, None, 0, 0, None]
        assert masked.indices.buffers()[1].to_pybytes() == bytes(5 * index_type.bit_width // 8)

    def test_entries_of_which_all_but_nulls_become_one(self):
        masked = by_value(encoded([0, 1, 2], ["a", "b", "c"]), lambda values: pa.array(["*", None, "*"]))
        assert (masked.to_pylist(), masked.dictionary.to_pylist()) == (["*", None, "*"], ["*"])

    @pytest.mark.parametrize(
        "entries",
        [
            pytest.param([f"{number:032x}" for number in range(300)], id="that all differ"),
            pytest.param([f"{number // 2:032x}" for number in range(300)], id="of which two each are equal"),
            pytest.param([f"{number:032x}" if number else None for number in range(300)], id="one of which is null"),
        ],
    )
    def test_that_they_mostly_differ_changes_nothing_but_time(self, entries):
        chance = random.Random(7)
        codes = [chance.randrange(299) if chance.random() > 0.1 else None for _ in range(2_000)]
        for column in (encoded(codes, entries), encoded([*codes, *range(300)], entries).slice(7)):
            plainly = by_value(column, lambda values: values)
            quickly = by_value(column, lambda values: values, mostly_differ=True)
            quickly.validate(full=True)
            assert quickly.indices.equals(plainly.indices)
            assert quickly.dictionary.equals(plainly.dictionary)

    def test_entries_that_are_null_or_become_null_are_null_rows(self):
        masked = by_value(
            encoded([0, 1, 2, None], ["a", None, "b"]),
            lambda column: pc.replace_with_mask(
                column, pc.is_in(column, pa.array(["a"])), pa.scalar(None, pa.string())
            ),
        )
        masked.validate(full=True)
        assert masked.to_pylist() == [None, None, "b", None]
        assert masked.dictionary.to_pylist() == ["b"]

    def test_it_runs_once_on_the_entries_that_rows_use(self):
        seen = []
        by_value(encoded([3, 1, 3, None, 1], list("abcd")).slice(1), lambda column: seen.append(column) or column)
        assert [each.to_pylist() for each in seen] == [["b", "d"]]

    @pytest.mark.parametrize("code", [-1, 3])
    def test_a_row_that_points_to_no_entry_is_refused(self, code):
        """As a corrupt or hostile file may have it."""
        column = pa.DictionaryArray.from_arrays(pa.array([0, code]), pa.array(["a", "b", "c"]), safe=False)
        with pytest.raises(MaskingError, match="some rows point to no entry"):
            by_value(column, pc.utf8_upper)

    def test_many_rows(self):
        """Entries come in the order of first use, however late that is."""
        chance = random.Random(7)
        codes = [chance.randrange(500) if chance.random() > 0.1 else None for _ in range(50_000)]
        codes += [chance.randrange(1000) for _ in range(5_000)]
        column = encoded(codes, [f"entry {number}" for number in range(2000)])
        masked = by_value(column, pc.utf8_upper)
        assert masked.to_pylist() == [code if code is None else f"ENTRY {code}" for code in codes]
        first_used = dict.fromkeys(code for code in codes if code is not None)
        assert masked.dictionary.to_pylist() == [f"ENTRY {code}" for code in first_used]

    @pytest.mark.parametrize("index_type", [pa.int8(), pa.uint64()], ids=str)
    def test_what_lies_under_a_null_is_no_code(self, index_type):
        """It may point anywhere; it is neither followed nor handed on."""
        width = index_type.bit_width // 8
        cells = b"".join(code.to_bytes(width, "little") for code in (1, 2**7 - 1, 0, 2))
        codes = pa.Array.from_buffers(index_type, 4, [pa.py_buffer(b"\x05"), pa.py_buffer(cells)])
        masked = by_value(pa.DictionaryArray.from_arrays(codes, ["a", "b", "c"], safe=False), pc.utf8_upper)
        masked.validate(full=True)
        assert masked.to_pylist() == ["B", None, "A", None]
        assert masked.indices.buffers()[1].to_pybytes() == bytes(2 * width) + b"\x01" + bytes(2 * width - 1)

    def test_nulls_among_many_rows(self):
        column = encoded([5, None] * 40_000 + [3, 4], list("abcdef"))
        masked = by_value(column, pc.utf8_upper)
        assert masked.to_pylist() == ["F", None] * 40_000 + ["D", "E"]
        assert masked.indices.to_pylist()[-4:] == [0, None, 1, 2]

    def test_a_dictionary_of_views(self):
        column = pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(["a", "b"], pa.string_view()))
        assert by_value(column, pc.utf8_upper).to_pylist() == ["B", "A"]
