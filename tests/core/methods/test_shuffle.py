"""Shuffled values are all still there, elsewhere, and a run that is repeated puts them in the same places."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings, Uniqueness

KEY = Key("people", bytes(range(32)))
OTHER_KEY = Key("people", bytes(range(1, 33)))


def shuffled(column, *, key=KEY, table="customers", name="salary"):
    return METHODS["shuffle"].configure({}, None).apply(column, Surroundings(table, name, key))


class TestShuffle:
    @pytest.mark.parametrize("values", [[], [None], [None, None], [7], [None, 7]], ids=str)
    def test_nothing_to_move(self, values):
        assert shuffled(pa.array(values, pa.int64())).to_pylist() == values

    def test_all_values_are_there_and_nulls_stay(self):
        values = pa.array([None if number % 7 == 0 else number % 50 for number in range(1000)])
        out = shuffled(values)
        assert out.is_null().equals(values.is_null())
        assert sorted(out.drop_null().to_pylist()) == sorted(values.drop_null().to_pylist())
        assert out.to_pylist() != values.to_pylist()

    def test_every_place_is_as_likely(self):
        """Over many columns, a value ends in each of five places equally often."""
        counts = np.zeros((5, 5))
        for table in range(2000):
            for place, value in enumerate(shuffled(pa.array(range(5)), table=str(table)).to_pylist()):
                counts[place, value] += 1
        assert np.abs(counts - 400).max() < 5 * np.sqrt(400)

    def test_it_is_declared_to_need_the_whole_table(self):
        declaration = METHODS["shuffle"].declaration
        assert declaration.whole_table
        assert declaration.uniqueness is Uniqueness.PRESERVED


class TestOrder:
    COLUMN = pa.array(["ann", None, "bob", "", "ann", "eve", None, "joe"])

    def test_it_never_changes(self):
        """These places may not change while rules, key and data stay as they are."""
        assert shuffled(pa.array(range(10))).to_pylist() == NUMBERS
        assert shuffled(self.COLUMN).to_pylist() == TEXTS

    @pytest.mark.parametrize(
        "layout",
        [
            pytest.param(COLUMN.cast(pa.large_string()), id="large offsets"),
            pytest.param(COLUMN.cast(pa.string_view()), id="views"),
            pytest.param(COLUMN.dictionary_encode(), id="a dictionary"),
            pytest.param(
                pa.DictionaryArray.from_arrays(
                    pa.array([4, None, 1, 3, 4, 2, None, 0]), pa.array(["joe", "bob", "eve", "", "ann", "unused"])
                ),
                id="a dictionary in another order",
            ),
            pytest.param(pa.concat_arrays([COLUMN, COLUMN]).slice(8), id="a slice"),
        ],
    )
    def test_layout_makes_no_difference(self, layout):
        assert shuffled(layout).to_pylist() == shuffled(self.COLUMN).to_pylist()

    def test_the_layout_of_numbers_makes_no_difference(self):
        values = pa.array([number % 50 for number in range(1000)], pa.int16())
        assert shuffled(values.dictionary_encode()).to_pylist() == shuffled(values).to_pylist()

    def test_short_decimals_with_a_dictionary_are_moved(self):
        values = pa.array([number % 5 for number in range(100)], pa.int16()).cast(pa.decimal32(9))
        entries, rows = values.slice(0, 5), pa.array([number % 5 for number in range(100)], pa.int8())
        out = shuffled(pa.DictionaryArray.from_arrays(rows, entries))
        assert out.type.value_type == pa.decimal32(9)
        assert out.to_pylist() == shuffled(values).to_pylist()

    @pytest.mark.parametrize(
        "kind",
        [pa.int8(), pa.uint64(), pa.float32(), pa.date32(), pa.timestamp("ns"), pa.decimal128(23, 2), pa.bool_()],
    )
    def test_whatever_is_moved(self, kind):
        values = pa.array([None if number % 9 == 0 else number for number in range(100)])
        values = values.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
        out = shuffled(values)
        assert out.type == kind
        assert out.is_null().equals(values.is_null())
        left, right = (sorted(map(str, each.drop_null().to_pylist())) for each in (out, values))
        assert left == right

    def test_an_entry_of_the_dictionary_that_no_row_uses_stays_in(self):
        """And the order of entries is that of the rows now, so that nothing is left of where they were."""
        out = shuffled(pa.DictionaryArray.from_arrays(pa.array([2, 1, 2, 1, 0]), pa.array(["a", "b", "c", "unused"])))
        assert out.dictionary.to_pylist() == out.dictionary_decode().unique().to_pylist()

    @pytest.mark.parametrize(
        "other",
        [{"key": OTHER_KEY}, {"table": "staff"}, {"name": "bonus"}],
        ids=["another key", "another table", "another column"],
    )
    def test_anything_else_is_another_order(self, other):
        values = pa.array(range(1000))
        before, after = shuffled(values).to_numpy(), shuffled(values, **other).to_numpy()
        assert (before == after).mean() < 0.02

    def test_other_data_is_another_order(self):
        """One changed cell, and two releases cannot be laid over each other."""
        before, after = shuffled(pa.array(range(1000))), shuffled(pa.array([*range(999), 5000]))
        assert (before.to_numpy() == after.to_numpy()).mean() < 0.02

    def test_where_the_nulls_are_belongs_to_the_data(self):
        left, right = pa.array([None, *range(500)]), pa.array([*range(500), None])
        assert shuffled(left).drop_null().to_pylist() != shuffled(right).drop_null().to_pylist()

    def test_where_one_text_ends_belongs_to_the_data(self):
        left = shuffled(pa.array(["ab", "c"] + ["x"] * 50 + ["y"] * 50)).to_pylist()
        right = shuffled(pa.array(["a", "bc"] + ["x"] * 50 + ["y"] * 50)).to_pylist()
        assert [each in "xy" for each in left] != [each in "xy" for each in right]


NUMBERS = [4, 5, 0, 3, 8, 6, 7, 9, 1, 2]
TEXTS = ["joe", None, "ann", "bob", "eve", "", None, "ann"]


class TestRefusals:
    def test_no_key(self):
        with pytest.raises(MaskingError, match="shuffle needs a key"):
            shuffled(pa.array([1, 2]), key=None)
