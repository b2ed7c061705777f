"""Swapped values stay in their group, and every one of them leaves its row."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

KEY = Key("people", bytes(range(32)))


def swap(**options):
    return METHODS["swap"].configure(options, None)


def swapped(column, columns=None, *, key=KEY, **options):
    columns = {name: pa.array(values) for name, values in (columns or {}).items()}
    return swap(**options).apply(column, Surroundings("customers", "salary", key, None, columns))


class TestSwap:
    @pytest.mark.parametrize("values", [[], [None], [None, None], [7], [None, 7]], ids=str)
    def test_nothing_to_exchange(self, values):
        assert swapped(pa.array(values, pa.int64())).to_pylist() == values

    @pytest.mark.parametrize("rows", [2, 3, 4, 5, 6, 7, 1000, 1001])
    def test_every_value_goes_to_another_row(self, rows):
        """In pairs, and where the number is odd, one time in three."""
        out = swapped(pa.array(range(rows))).to_numpy()
        assert sorted(out) == list(range(rows))
        assert (out != np.arange(rows)).all()
        in_pairs = (out[out] == np.arange(rows)).sum()
        assert in_pairs == (rows if rows % 2 == 0 else rows - 3)

    def test_groups_keep_their_values(self):
        rows = 2000
        region = [number % 7 for number in range(rows)]
        year = [None if number % 5 == 0 else 1900 + number % 3 for number in range(rows)]
        values = pa.array([None if number % 11 == 0 else number for number in range(rows)])
        out = swapped(values, {"region": region, "year": year}, within=["region", "year"])
        assert out.is_null().equals(values.is_null())
        before, after = (Counter(zip(region, year, each.to_pylist(), strict=True)) for each in (values, out))
        assert before == after
        moved = [one != two for one, two in zip(values.to_pylist(), out.to_pylist(), strict=True) if one is not None]
        assert all(moved)

    def test_a_value_alone_in_its_group_stays(self):
        """Nobody else's is there to exchange it with."""
        out = swapped(pa.array(["a", "b", "c"]), {"region": [1, 2, 2]}, within=["region"])
        assert out.to_pylist() == ["a", "c", "b"]

    def test_nulls_make_no_group_larger(self):
        out = swapped(pa.array(["a", None, "c"]), {"region": [1, 1, 2]}, within=["region"])
        assert out.to_pylist() == ["a", None, "c"]

    def test_it_reads_what_makes_the_groups(self):
        assert swap(within=["region", "year"]).reads() == ("region", "year")
        assert swap().reads() == ()

    def test_the_layout_of_groups_makes_no_difference(self):
        region = pa.array(["n", "s", None, "n", "s", "n", None, "n"])
        other = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1, 0, 1, None, 1]), pa.array(["s", "n", "unused"]))
        values = pa.array(range(8))
        assert swapped(values, {"g": region}, within=["g"]).equals(swapped(values, {"g": other}, within=["g"]))

    def test_many_groups(self):
        """More of them than 16 bits can count."""
        groups = np.repeat(np.arange(70_000), 2)
        out = swapped(pa.array(range(140_000)), {"g": groups}, within=["g"]).to_numpy()
        assert (out == np.arange(140_000) ^ 1).all()

    def test_places_never_change(self):
        """They may not while rules, key and data stay as they are."""
        groups = {"g": [1, 2, 1, 2, 1, 1, 2, 2, 2]}
        assert swapped(pa.array(range(9))).to_pylist() == WHOLE
        assert swapped(pa.array(range(9)), groups, within=["g"]).to_pylist() == GROUPED
        assert swapped(pa.array(range(9)), rank_distance=30).to_pylist() == RANKED

    def test_another_key_and_other_groups_are_another_order(self):
        values = pa.array(range(1000))
        once = swapped(values).to_numpy()
        other_key = swapped(values, key=Key("people", bytes(range(1, 33)))).to_numpy()
        other_groups = swapped(values, {"g": [0] * 500 + [1] * 500}, within=["g"]).to_numpy()
        assert (once == other_key).mean() < 0.02
        assert (once == other_groups).mean() < 0.02


WHOLE = [4, 3, 7, 6, 0, 8, 1, 2, 5]
GROUPED = [5, 8, 4, 1, 2, 0, 7, 6, 3]
RANKED = [1, 0, 3, 2, 5, 4, 7, 8, 6]


class TestRanks:
    @pytest.mark.parametrize("rows", [2, 3, 10, 999, 1000])
    @pytest.mark.parametrize("percent", [0.01, 5, 30, 100])
    def test_values_stay_near_in_rank(self, rows, percent):
        """No further than the percentage of the group, or the next but one where three go round."""
        values = np.random.default_rng(3).permutation(rows)
        out = swapped(pa.array(values), rank_distance=percent).to_numpy()
        assert sorted(out) == list(range(rows))
        assert np.abs(out - values).max() <= max(2, rows * percent / 100)
        assert (out != values).all()

    def test_ranks_are_those_of_the_group(self):
        values = np.arange(400)
        out = swapped(pa.array(values), {"g": values % 2}, within=["g"], rank_distance=5).to_numpy()
        assert (out % 2 == values % 2).all()
        assert np.abs(out - values).max() <= 2 * 200 * 5 / 100

    @pytest.mark.parametrize(
        "kind",
        [pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(23, 2), pa.date32(), pa.timestamp("ns"), pa.time64("us")],
    )
    def test_whatever_has_an_order(self, kind):
        values = pa.array([1, 100, 2, 99]).cast(pa.int32() if pa.types.is_date32(kind) else pa.int64()).cast(kind)
        assert swapped(values, rank_distance=1).equals(values.take(pa.array([2, 3, 0, 1])))

    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda draw: draw.integers(-(2**62), 2**62, 2000), id="integers that fill their words"),
            pytest.param(lambda draw: draw.normal(0, 1, 2000), id="doubles of any digits"),
            pytest.param(lambda draw: draw.integers(0, 9, 2000) + 2**60 + 0.5, id="doubles of which many are equal"),
            pytest.param(lambda draw: np.round(draw.normal(0, 9, 2000), 1), id="doubles of one decimal place"),
            pytest.param(lambda draw: draw.normal(0, 9, 2000).astype(np.float32), id="floats"),
        ],
    )
    def test_values_of_many_digits_stay_near_in_rank(self, make):
        values = make(np.random.default_rng(5))
        absent = np.arange(2000) % 7 == 0
        out = swapped(pa.array(values, mask=absent), rank_distance=5)
        present, moved = np.sort(values[~absent]), out.drop_null().to_numpy()
        assert (np.sort(moved) == present).all()
        width = int(len(present) * 0.05) + 2
        lower = np.searchsorted(present, moved, side="left") - np.searchsorted(present, values[~absent], side="right")
        upper = np.searchsorted(present, values[~absent], side="left") - np.searchsorted(present, moved, side="right")
        assert max(lower.max(), upper.max()) <= width


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [({"within": ["a", "a"]}, "twice"), ({"rank_distance": 0}, "above 0")],
        ids=str,
    )
    def test_options_that_make_no_sense(self, options, words):
        with pytest.raises(ValueError, match=words):
            swap(**options)

    def test_texts_have_no_rank(self):
        with pytest.raises(ValueError, match="for numbers, dates, times and durations, not string; leave it out"):
            swap(rank_distance=5).output_type(pa.string())

    @pytest.mark.parametrize(
        ("columns", "words"), [({}, '"g" of `within:` is not there'), ({"g": [[1], [2]]}, "makes no groups")], ids=str
    )
    def test_groups_that_cannot_be_made(self, columns, words):
        with pytest.raises(MaskingError, match=words):
            swapped(pa.array([1, 2]), columns, within=["g"])

    def test_a_column_that_makes_its_own_groups(self):
        """Equal values would change places, and so all rows keep theirs."""
        with pytest.raises(MaskingError, match="names the column itself"):
            swapped(pa.array([1, 1, 2]), {"salary": [1, 1, 2]}, within=["salary"])

    def test_no_key(self):
        with pytest.raises(MaskingError, match="swap needs a key"):
            swapped(pa.array([1, 2]), key=None)


class TestRanksOfIntegers:
    def test_another_key_ranks_equal_values_otherwise(self):
        """Half of the rows hold one value; which of them go on with the others is drawn."""
        values = pa.array([*[0] * 500, *range(500)])
        left, right = (swapped(values, rank_distance=5, key=Key("people", bytes([n] * 32))) for n in (1, 2))
        assert (left.to_numpy() != right.to_numpy()).mean() > 0.3

    @pytest.mark.parametrize("far", [0, 2**40])
    def test_near_and_far_integers_keep_their_ranks(self, far):
        values = np.concatenate([np.random.default_rng(3).permutation(1000), [far]])
        out = swapped(pa.array(values), rank_distance=5).to_numpy()
        assert sorted(out) == sorted(values)
        kept = (values < 1000) & (out < 1000)
        assert np.abs(out[kept] - values[kept]).max() <= 51
