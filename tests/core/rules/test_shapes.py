from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.keys import KeyRing
from maskgate.masking import mask_table
from maskgate.methods import Shape
from maskgate.rules import Rules, read_rules

STARS = Shape(constant="***")
FREE = Shape(free=True)
ABSENT = Shape(absent=True)


def table_rules(columns, unlisted="fail"):
    return read_rules(f"version: 1\nunlisted: {unlisted}\ntables: {{t: {{columns: {columns}}}}}", "rules.yaml")


def shapes(columns, names, unlisted="fail"):
    return table_rules(columns, unlisted).tables["t"].shapes(names, unlisted)


class TestShapes:
    """A column has one shape, whatever rules there are on it and inside of it."""

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            pytest.param("{b: keep}", {}, id="no rule, no shape"),
            pytest.param("{a: redact}", {"a": STARS}, id="a rule"),
            pytest.param('{"?": redact}', {"a": STARS}, id="a pattern"),
            pytest.param('{"*": keep, a: redact}', {"a": STARS}, id="a name beats a pattern"),
            pytest.param(
                "{a.x: redact, a.y: keep}",
                {"a": Shape(fields=(("x", STARS), ("y", FREE), ("*", ABSENT)))},
                id="fields of a struct",
            ),
            pytest.param(
                "{'a[].x': redact, 'a[].*': keep}",
                {"a": Shape(elements=Shape(fields=(("x", STARS), ("*", FREE), ("*", ABSENT))))},
                id="fields of elements, and a pattern",
            ),
            pytest.param("{'a[][]': redact}", {"a": Shape(elements=Shape(elements=STARS))}, id="a list of lists"),
            pytest.param("{a.x: drop, a.y: drop}", {"a": ABSENT}, id="nothing is left"),
            pytest.param("{'a[].x.y': drop}", {"a": ABSENT}, id="nothing is left in a list"),
            pytest.param(
                "{'*': keep, a.x: redact}",
                {"a": Shape(fields=(("x", STARS), ("*", FREE)))},
                id="a pattern on the whole is for the rest",
            ),
            pytest.param(
                "{a: {method: redact, on_invalid: redact}}", {"a": Shape(any_of=(STARS, STARS))}, id="what is invalid"
            ),
            pytest.param(
                "{a: [{when: {b: 1}, method: redact}, keep]}",
                {"a": Shape(any_of=(STARS, FREE))},
                id="each of the cases",
            ),
        ],
    )
    def test_of_a_column(self, columns, expected):
        assert shapes(columns, ["a"]) == expected

    def test_of_a_name_with_dots(self):
        assert shapes("{a.x: redact}", ["a.x"]) == {"a.x": STARS}
        assert set(shapes("{a.x: redact}", ["a", "a.x"])) == {"a"}

    def test_of_fields_that_are_not_listed(self):
        assert shapes("{a.x: redact}", ["a"], "nullify")["a"].fields[-1] == ("*", Shape(all_null=True))
        assert shapes("{a.x: drop}", ["a"], "keep")["a"] == Shape(fields=(("x", ABSENT), ("*", FREE)))

    def test_masked_columns_fit_them_and_others_do_not(self):
        rows = [{"a": [{"x": "1", "y": "2"}, None], "m": [("k", "v")]}, {"a": None, "m": []}]
        entries = pa.struct([("x", pa.string()), ("y", pa.string())])
        table = pa.Table.from_pylist(rows, pa.schema({"a": pa.list_(entries), "m": pa.map_(pa.string(), pa.string())}))
        rules = table_rules("{'a[].x': redact, 'a[].y': drop, 'm[].key': keep, 'm[].value': nullify}")
        masked, _ = mask_table(table, rules, table_name="t", keys=KeyRing({}))
        for known in (rules, Rules.from_json(rules.as_json())):
            found = known.tables["t"].shapes(masked.schema.names, rules.unlisted)
            assert {name: found[name].violations(masked[name]) for name in found} == {"a": 0, "m": 0}
            assert {name: found[name].violations(table[name]) for name in found} == {"a": 2, "m": 1}

    def test_the_rules_on_a_column_are_all_that_have_a_say(self):
        rules = table_rules("{'*': keep, a.x: redact, 'b[].x': drop, c: drop}").tables["t"]
        assert list(rules.covering("a", ["a", "b"])) == ["*", "a.x"]
        assert list(rules.covering("b", ["a", "b"])) == ["*", "b[].x"]
        assert list(rules.covering("c", ["c"])) == ["c"]
