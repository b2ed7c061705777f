"""Categories change with the odds that the rules say, the same way for the same person."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

KEY = Key("people", bytes(range(32)))
COLOURS = ["red", "green", "blue"]
MATRIX = {
    "red": {"red": 0.7, "green": 0.3},
    "green": {"red": 0.1, "green": 0.8, "blue": 0.1},
    "blue": {"blue": 1},
}


def pram(**options):
    return METHODS["pram"].configure(options, None)


def changed(column, entity=None, *, key=KEY, table="people", name="colour", **options):
    column = column if isinstance(column, pa.Array) else pa.array(column)
    entity = pa.array(range(len(column)) if entity is None else entity)
    return pram(**options).apply(column, Surroundings(table, name, key, entity))


class TestPram:
    @pytest.mark.parametrize("values", [[], [None], [None, None]], ids=str)
    def test_nothing_to_change(self, values):
        assert changed(pa.array(values, pa.string()), retain=0.5, categories=COLOURS).to_pylist() == values

    def test_same_person_same_value_same_change(self):
        out = changed(["red"] * 50, ["ann"] * 50, retain=0.1, categories=COLOURS)
        assert len(out.unique()) == 1

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"key": Key("people", bytes(range(1, 33)))}, id="another key"),
            pytest.param({"table": "staff"}, id="another table"),
            pytest.param({"name": "hair"}, id="another column"),
            pytest.param({"retain": 0.51}, id="another probability"),
            pytest.param({"categories": [*COLOURS, "grey"]}, id="another category"),
            pytest.param({"entity": range(10_000, 20_000)}, id="other people"),
        ],
    )
    def test_anything_else_changes_anew(self, other):
        options = {"retain": 0.5, "categories": COLOURS}
        once = changed(["red"] * 10_000, **options).to_numpy(zero_copy_only=False)
        again = changed(["red"] * 10_000, **{**options, **other}).to_numpy(zero_copy_only=False)
        stays = (once == "red") & (again == "red")
        assert abs(stays.mean() - 0.25) < 0.03, "both stay as if by two coins"

    def test_retained_with_the_probability_and_others_alike(self):
        out = changed(["red"] * 200_000, retain=0.7, categories=COLOURS)
        counts = {each["values"]: each["counts"] / 200_000 for each in out.value_counts().to_pylist()}
        assert counts == pytest.approx({"red": 0.7, "green": 0.15, "blue": 0.15}, abs=0.006)

    def test_by_a_matrix(self):
        out = changed(["red"] * 100_000 + ["green"] * 100_000 + ["blue"] * 1000, matrix=MATRIX).to_pylist()
        red, green, blue = out[:100_000], out[100_000:200_000], out[200_000:]
        assert red.count("green") / 100_000 == pytest.approx(0.3, abs=0.008)
        assert red.count("blue") == 0
        assert green.count("red") / 100_000 == pytest.approx(0.1, abs=0.006)
        assert set(blue) == {"blue"}

    @pytest.mark.parametrize(("retain", "stays"), [(1, True), (0, False)])
    def test_the_ends_are_certain(self, retain, stays):
        out = changed(["red"] * 1000, retain=retain, categories=COLOURS).to_pylist()
        assert (set(out) == {"red"}) if stays else ("red" not in out)

    @pytest.mark.parametrize(
        ("column", "categories"),
        [
            pytest.param(pa.array([True, False, None]), ["true", "false"], id="booleans"),
            pytest.param(pa.array([-1, 300, None], pa.int16()), ["-1", "300"], id="integers"),
            pytest.param(pa.array(["a", "b", None], pa.large_string()), ["a", "b"], id="large strings"),
            pytest.param(pa.array(["a", "b", None]).dictionary_encode(), ["a", "b"], id="a dictionary"),
        ],
    )
    def test_the_type_stays(self, column, categories):
        method = pram(retain=0.5, categories=categories)
        out = changed(column, retain=0.5, categories=categories)
        assert out.type == column.type == method.output_type(column.type)
        assert out.is_null().to_pylist() == [False, False, True]
        assert method.shape().violations(out) == 0

    def test_a_dictionary_changes_by_the_row(self):
        """And holds what rows use now, nothing more."""
        column = pa.array(["red"] * 300 + ["green"])
        out = changed(column.dictionary_encode(), retain=0.5, categories=COLOURS)
        assert out.to_pylist() == changed(column, retain=0.5, categories=COLOURS).to_pylist()
        few = changed(pa.DictionaryArray.from_arrays([0], COLOURS), retain=1, categories=COLOURS)
        assert few.dictionary.to_pylist() == ["red"]

    def test_more_categories_than_the_codes_can_count(self):
        categories = [str(number) for number in range(500)]
        column = pa.array(["1"] * 2000).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
        out = changed(column, retain=0, categories=categories)
        assert out.type == pa.dictionary(pa.int32(), pa.string())
        assert len(out.unique()) > 400

    def test_changes_never_change(self):
        """They may not while rules, key and data stay as they are."""
        out = changed(
            ["red", "green", "blue"] * 3, ["ann"] * 3 + ["42"] * 3 + ["bob"] * 3, retain=0.3, categories=COLOURS
        )
        assert out.to_pylist() == PINNED


PINNED = ["red", "blue", "red", "blue", "blue", "blue", "red", "red", "green"]


class TestEpsilon:
    """Randomized response: the log of the odds that a category tells of itself."""

    @pytest.mark.parametrize(
        ("retain", "categories", "epsilon"),
        [(0.75, ["a", "b"], np.log(3)), (0.5, ["a", "b"], 0), (0.5, COLOURS, np.log(2)), (0.1, COLOURS, np.log(4.5))],
    )
    def test_it_is_that_of_the_odds_and_never_less(self, retain, categories, epsilon):
        claimed = pram(retain=retain, categories=categories).facts()["epsilon"]
        assert epsilon - 1e-15 <= claimed <= epsilon + 1e-9

    @pytest.mark.parametrize("options", [{"retain": 1, "categories": COLOURS}, {"matrix": MATRIX}], ids=str)
    def test_nothing_is_claimed_where_an_answer_may_be_certain(self, options):
        assert pram(**options).facts() == {}

    @pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int16(), pa.int64(), pa.uint64()], ids=str)
    @pytest.mark.parametrize("names", [["5", "100", "7"], ["0", "127", "60"]], ids=["inside of a type", "at an end"])
    def test_integers_that_are_no_category_are_found_out(self, kind, names):
        """Below, between and above the others, and at both ends of the type."""
        ends = np.iinfo(kind.to_pandas_dtype())
        values = [int(ends.min), 4, 5, 6, 100, 101, int(ends.max), None, 127, 0]
        invalid = pram(retain=0.5, categories=names).invalid(
            pa.array(values, kind), Surroundings("people", "colour", KEY)
        )
        assert invalid.to_pylist() == [each is not None and str(each) not in names for each in values]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            pytest.param({}, "needs `matrix:`, or", id="nothing said"),
            pytest.param({"retain": 0.5}, "needs `matrix:`, or", id="no categories"),
            pytest.param({"retain": 0.5, "matrix": MATRIX}, "needs `matrix:`, or", id="both"),
            pytest.param({"retain": 0.5, "categories": ["a"]}, "from 2 to 1000", id="one category"),
            pytest.param({"retain": 0.5, "categories": ["a", "a"]}, "twice", id="a category twice"),
            pytest.param({"retain": 1.5, "categories": COLOURS}, "from 0 to 1", id="more than certain"),
            pytest.param({"matrix": {"a": {"a": 1}, "b": {"c": 1}}}, "every value needs one", id="a row is missing"),
            pytest.param({"matrix": {"a": {"a": 0.5, "b": 0.5}}}, "every value needs one", id="one row for two"),
            pytest.param({"matrix": {"a": {"a": 1}, "b": {"b": 0.9}}}, "row 2", id="a row that sums to less"),
            pytest.param({"matrix": {"a": {"a": 1.5, "b": -0.5}, "b": {"b": 1}}}, "row 1", id="below zero"),
            pytest.param({"matrix": {"a": {"a": float("nan")}, "b": {"b": 1}}}, "row 1", id="no number in a row"),
            pytest.param({"matrix": {"a": {"a": float("inf")}, "b": {"b": 1}}}, "row 1", id="endless odds"),
            pytest.param({"retain": float("nan"), "categories": COLOURS}, "from 0 to 1", id="no number"),
        ],
    )
    def test_options_that_make_no_sense(self, options, words):
        with pytest.raises(ValueError, match=words):
            pram(**options)

    @pytest.mark.parametrize(
        ("categories", "kind", "words"),
        [
            (["a", "b"], pa.int64(), "no value of int64"),
            (["1", "300"], pa.int8(), "no value of int8"),
            (["1", "02"], pa.int64(), "shortest form"),
            (["yes", "no"], pa.bool_(), "`true` and `false`"),
        ],
    )
    def test_categories_that_are_no_values_of_the_type(self, categories, kind, words):
        with pytest.raises(ValueError, match=words):
            pram(retain=0.5, categories=categories).output_type(kind)

    def test_a_value_that_is_no_category(self):
        column = pa.array(["red", "Planted Person", None])
        assert pram(retain=0.5, categories=COLOURS).invalid(column, Surroundings("t", "c")).to_pylist() == [
            False,
            True,
            False,
        ]
        with pytest.raises(MaskingError) as refused:
            changed(column, retain=0.5, categories=COLOURS)
        assert str(refused.value) == (
            'column "colour": 1 values are none of the categories of pram. Say `on_invalid: nullify`, or name them.'
        )
