"""A file says what stands for each value at each level."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("people", "education")
DEGREES = "Bachelors;Undergraduate;Higher education;*\nMasters;Graduate;Higher education;*\n11th;School;School;*\n"
AGES = "".join(f"{age};{age // 5 * 5}-{age // 5 * 5 + 4};{'young' if age < 30 else 'old'}\n" for age in range(100))
_BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data"
ADULT = Path(os.environ.get("MASKGATE_SHARED_DATA", _BESIDE)) / "adult"


def generalize(content, level=1):
    options = {"hierarchy": {"file": "degrees.csv", "content": content}, "level": level}
    return METHODS["generalize"].configure(options, None)


def generalized(values, content=DEGREES, level=1):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return generalize(content, level).apply(column, HERE).to_pylist()


class TestHierarchy:
    def test_no_values_no_labels(self):
        assert generalized(pa.array([], pa.string())) == []
        assert generalized(pa.array([None], pa.string())) == [None]

    @pytest.mark.parametrize(
        ("level", "labels"),
        [
            (1, ["Graduate", None, "School"]),
            (2, ["Higher education", None, "School"]),
            (3, ["*", None, "*"]),
        ],
    )
    def test_each_level(self, level, labels):
        assert generalized(["Masters", None, "11th"], level=level) == labels

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param("a,1\nb,2\n", id="parted by commas"),
            pytest.param("\ufeffa;1\r\nb;2", id="a mark in front, the lines of Windows, and none at the end"),
            pytest.param('"a";"1"\n\n"b";2\n', id="quotes and an empty line"),
            pytest.param("a;1\nb;2\na;1\n", id="a line twice"),
            pytest.param('"a","1"\n"b","2"\n', id="commas between quotes"),
            pytest.param('"a","1",";"\n"b","2",x\n', id="a semicolon within quotes, between commas"),
            pytest.param("a,1,x;y\nb,2,x\n", id="a semicolon in one of the lines, between commas"),
        ],
    )
    def test_ways_to_write_it(self, content):
        assert generalized(["a", "b"], content) == ["1", "2"]

    def test_a_comma_between_semicolons_is_text(self):
        assert generalized(["a,b"], "a,b;c,d\ne;f\n") == ["c,d"]

    @pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"], ids=ascii)
    def test_what_ends_a_line_elsewhere_is_text(self, sign):
        assert generalized([f"a{sign}b"], f"a{sign}b;1{sign}\nc;2\n") == [f"1{sign}"]

    @pytest.mark.parametrize(
        "kind",
        [pa.int8(), pa.uint8(), pa.int64(), pa.uint64(), pa.string(), pa.large_string(), pa.string_view()],
        ids=str,
    )
    def test_integers_are_looked_up_as_they_are_written(self, kind):
        column = pa.array([0, 29, None, 99, 29], pa.uint8()).cast(pa.string()).cast(kind)
        assert generalized(column, AGES) == ["0-4", "25-29", None, "95-99", "25-29"]
        assert generalized(column, AGES, level=2) == ["young", "young", None, "old", "young"]

    def test_integers_far_apart(self):
        content = f"{-(2**63)};low\n7;seven\n{2**63 - 1};high\n?;none\n"
        column = pa.array([7, 2**63 - 1, None, -(2**63)])
        assert generalized(column, content) == ["seven", "high", None, "low"]
        assert generalized(pa.array([7], pa.int8()), content) == ["seven"]

    def test_a_dictionary_stays_one(self):
        column = pa.array(["Masters", "Bachelors", None, "Masters"]).dictionary_encode()
        out = generalize(DEGREES, 2).apply(column, HERE)
        assert out.type == column.type
        assert out.to_pylist() == ["Higher education", "Higher education", None, "Higher education"]
        assert out.dictionary.to_pylist() == ["Higher education"]

    def test_the_shape_is_the_labels_of_the_level(self):
        shape = generalize(DEGREES, 2).shape()
        assert shape.one_of == ("Higher education", "School")
        assert shape.violations(pa.array(["School", "Masters", None])) == 1


class TestUnknownValues:
    @pytest.mark.parametrize(
        ("column", "content"),
        [
            pytest.param(pa.array(["Masters", "Planted Person", None]), DEGREES, id="a text"),
            pytest.param(pa.array(["Masters", "Planted Person", None]).dictionary_encode(), DEGREES, id="a dictionary"),
            pytest.param(pa.array([5, 31337, None]), AGES, id="an integer"),
            pytest.param(pa.array([5, -128, None], pa.int8()), AGES, id="the least of a type"),
            pytest.param(pa.array([5, 2**64 - 1, None], pa.uint64()), AGES, id="the greatest of a type"),
            pytest.param(pa.array([7, 8, None]), f"7;a\n{10**9};b\n", id="an integer between far ones"),
        ],
    )
    def test_they_are_invalid_and_refused_without_being_said(self, column, content):
        method = generalize(content)
        assert method.invalid(column, HERE).to_pylist() == [False, True, False]
        with pytest.raises(MaskingError) as refused:
            method.apply(column, HERE)
        assert str(refused.value) == (
            'column "education": 1 values are not in the hierarchy. '
            "Say `on_invalid: nullify`, or add lines for them to the file."
        )

    def test_a_number_that_is_written_otherwise_is_not_it(self):
        assert generalize("05;a\n+6;b\n7;c\n").invalid(pa.array([5, 6, 7]), HERE).to_pylist() == [True, True, False]


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "level", "words"),
        [
            pytest.param("", 1, "degrees.csv is empty", id="an empty file"),
            pytest.param("\n\n", 1, "degrees.csv is empty", id="empty lines"),
            pytest.param("secret\n", 1, "has no levels", id="values alone"),
            pytest.param("a;b;c\nd;e\n", 1, "line 2: every line needs as many fields", id="a short line"),
            pytest.param("a;b\nc;d\n\na;e\n", 1, "line 4: the value of line 1 again, with other", id="a contradiction"),
            pytest.param('a;b\n"c;d\n', 1, "quotes do not match", id="an open quote"),
            pytest.param(DEGREES, 4, "has 3 levels, so there is no `level: 4`", id="no such level"),
        ],
    )
    def test_files_that_are_no_hierarchy(self, content, level, words):
        with pytest.raises(ValueError, match=words) as refused:
            generalize(content, level)
        assert "secret" not in str(refused.value)


def adult(column):
    """Read a column of the census records."""
    options = pa.csv.ParseOptions(delimiter=";")
    return pa.csv.read_csv(ADULT / "adult.csv", parse_options=options)[column].combine_chunks()


@pytest.mark.skipif(
    not ADULT.is_dir(), reason="the census records are not here; MASKGATE_SHARED_DATA says where they are"
)
class TestAdult:
    """The hierarchies that ARX ships with its census records."""

    @pytest.mark.parametrize(
        ("column", "level", "labels"),
        [
            ("workclass", 1, {"Government", "Non-Government", "Unemployed"}),
            ("education", 2, {"Higher education", "Primary education", "Secondary education"}),
            ("marital-status", 1, {"spouse present", "spouse not present"}),
            ("native-country", 2, {"*"}),
            ("occupation", 1, {"Technical", "Nontechnical", "Other"}),
        ],
    )
    def test_texts(self, column, level, labels):
        content = (ADULT / f"adult_hierarchy_{column}.csv").read_text()
        values = adult(column)
        out = generalize(content, level).apply(values, HERE)
        assert set(out.unique().to_pylist()) == labels
        assert len(out) == len(values)

    def test_ages(self):
        content = (ADULT / "adult_hierarchy_age.csv").read_text()
        ages = adult("age")
        assert pa.types.is_integer(ages.type)
        out = generalize(content, 3).apply(ages, HERE).to_pylist()
        assert {label for age, label in zip(ages.to_pylist(), out, strict=True) if 21 <= age <= 40} == {"20-39"}
