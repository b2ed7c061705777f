"""A shape counts what does not fit, whatever column it is shown."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest

from maskgate.methods import METHODS, Shape, family_of
from maskgate.methods.shape import literally
from maskgate.testing.haunted_columns import haunted_columns

EVERY = [
    Shape(all_null=True),
    Shape(absent=True),
    Shape(constant="***"),
    Shape(pattern="[0-9a-f]{32}"),
    Shape(max_length=3),
    Shape(minimum=0, maximum=10),
    Shape(multiple_of=0.5, offset=0.25),
    Shape(type_names=("int32",)),
    Shape(families=("date", "timestamp")),
]


class TestShape:
    @pytest.mark.parametrize("shape", [Shape(free=True), *EVERY], ids=lambda shape: str(shape.as_json()))
    def test_it_never_fails_and_survives_json(self, shape):
        """A column of a type that cannot fit is wrong in every cell; the gate must not stumble over it."""
        assert Shape.from_json(json.loads(json.dumps(shape.as_json()))) == shape
        for column in haunted_columns():
            present = len(column.array) - column.array.null_count
            assert 0 <= shape.violations(column.array) <= present
            assert shape.violations(column.array.slice(0, 0)) == 0

    def test_nulls_always_fit(self):
        assert all(shape.violations(pa.nulls(3, pa.string())) == 0 for shape in EVERY)

    @pytest.mark.parametrize(
        ("shape", "column", "count"),
        [
            pytest.param(Shape(constant="***"), pa.array(["***", "**", None, ""]), 2, id="another text"),
            pytest.param(
                Shape(pattern="a|b"), pa.array(["a", "b", "ab", "a\n", ""]), 3, id="the pattern is for all of it"
            ),
            pytest.param(Shape(max_length=2), pa.array(["ab", "abc", "éé"]), 1, id="characters are counted"),
            pytest.param(Shape(minimum=0, maximum=1), pa.array([0.0, 1.0, 1.1, float("nan")]), 2, id="NaN is outside"),
            pytest.param(
                Shape(multiple_of=0.1), pa.array([0.1, 0.3, 0.35, 1e9]), 1, id="doubles off by a last bit fit"
            ),
            pytest.param(
                Shape(minimum=1 / 3, maximum=1 / 3),
                pa.array([Decimal(str(1 / 3))], pa.decimal256(76, 30)),
                0,
                id="a decimal that is written as the bound is",
            ),
            pytest.param(Shape(pattern="a"), pa.array(["a", "b"]).dictionary_encode(), 1, id="behind a dictionary"),
            pytest.param(Shape(pattern="a"), pa.chunked_array([["a"], [], ["b"]]), 1, id="in chunks"),
        ],
    )
    def test_counts(self, shape, column, count):
        assert shape.violations(column) == count

    def test_a_text_as_a_pattern_matches_itself_alone(self):
        text = r"a.b*c+d?(e)|[f]{g}^$\h-é"
        assert Shape(pattern=literally(text)).violations(pa.array([text, text.replace(".", "x")])) == 1


class TestFamilies:
    def test_every_type_has_one(self):
        families = {column.name: family_of(column.array.type) for column in haunted_columns()}
        assert families["string_view"] == "string"
        assert families["dictionary<values=string, indices=int8, ordered=0>"] == "string"
        assert families["duration[s]"] == "duration"
        assert family_of(pa.uuid()) == "string"
        assert family_of(pa.bool8()) == "integer"


class TestRegistry:
    def test_it_has_every_method_by_its_own_name(self):
        assert list(METHODS) == sorted(METHODS)
        assert all(name == method.declaration.name for name, method in METHODS.items())

    @pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
    def test_every_declaration_is_complete(self, method):
        """The reader, the reviewer's page and the docs live on it."""
        declaration = method.declaration
        assert declaration.term
        assert declaration.summary.endswith(".")
        assert declaration.accepts
        assert all(parameter.description.endswith(".") for parameter in declaration.parameters)
        assert not declaration.needs_domain or declaration.needs_key
        assert not declaration.needs_entity or declaration.needs_key
