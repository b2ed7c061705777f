from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import PlanError


class TestPatterns:
    """A pattern is for the columns that have no rule of their own."""

    TABLE = pa.table({"home_email": ["a"], "work_email": ["b"], "email_id": ["c"], "address": [{"x": "d", "y": "e"}]})

    @pytest.mark.parametrize(
        ("columns", "row"),
        [
            pytest.param(
                "{'*_email': redact, email_id: keep, address: drop}",
                {"home_email": "***", "work_email": "***", "email_id": "c"},
                id="columns",
            ),
            pytest.param(
                "{'*': drop, '????_email': drop, work_email: keep, home_email: keep, email_id: keep, address: keep}",
                {"home_email": "a", "work_email": "b", "email_id": "c", "address": {"x": "d", "y": "e"}},
                id="an exact path beats two patterns",
            ),
            pytest.param("{'*_*': drop, 'address.*': redact}", {"address": {"x": "***", "y": "***"}}, id="fields"),
            pytest.param(
                "{'*': keep, address.x: redact}",
                {"home_email": "a", "work_email": "b", "email_id": "c", "address": {"x": "***", "y": "e"}},
                id="a pattern on the whole is for the fields without a rule",
            ),
            pytest.param(
                "{'*_*': drop, '*.x': drop, address.y: keep}", {"address": {"y": "e"}}, id="a pattern of what is around"
            ),
        ],
    )
    def test_fits(self, mask, columns, row):
        assert mask(self.TABLE, columns)[0].to_pylist() == [row]

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            pytest.param(
                "{'*_email': drop, 'work_*': keep, '*': keep}",
                'column "work_email" fits "*_email" and "work_*" and "*", and nobody can say which counts. '
                "Give it a rule of its own, by its name.",
                id="three patterns",
            ),
            pytest.param(
                "{'*_*': drop, address.x: keep, 'address.*': drop, 'addres?': keep}",
                'column "address.y" fits "address.*" and "addres?"',
                id="a pattern on the whole and one inside",
            ),
            pytest.param(
                "{'*_*': drop, address: keep, '*.x': drop}",
                'column "*.x" has a rule, and so has "address" as a whole.',
                id="a rule on the whole and a pattern inside",
            ),
            pytest.param(
                "{'*': drop, '*_phone': drop}",
                'column "*_phone" has a rule, and no column of the data fits the pattern. Take it out, or correct it.',
                id="a pattern that nothing fits",
            ),
        ],
    )
    def test_refuses(self, mask, columns, said):
        with pytest.raises(PlanError) as caught:
            mask(self.TABLE, columns)
        assert said in str(caught.value)


class TestNamesWithDots:
    """A flat table may have dots in its names; backquotes say so where it is not clear."""

    FLAT = pa.table({"first.name": ["a"], "tags[]": ["b"]})
    BOTH = pa.table({"first.name": ["a"], "first": [{"name": "b"}]})

    def test_a_name_counts_as_it_is_written_where_nothing_else_can_be_meant(self, mask):
        masked, report = mask(self.FLAT, "{first.name: redact, 'tags[]': keep}", check="{unique: [first.name]}")
        assert masked.to_pylist() == [{"first.name": "***", "tags[]": "b"}]
        assert set(report.columns) == {"`first.name`", "`tags[]`"}

    def test_backquotes_are_always_the_name(self, mask):
        assert mask(self.BOTH, "{'`first.name`': keep, first.name: redact}")[0].to_pylist() == [
            {"first.name": "a", "first": {"name": "***"}}
        ]

    def test_where_both_are_there_the_path_is_meant(self, mask):
        with pytest.raises(PlanError, match=r'column "`first.name`" .* write `"`first.name`": keep`'):
            mask(self.BOTH, "{first.name: redact}")

    def test_a_column_with_nothing_inside_takes_no_name_away(self, mask):
        flat = pa.table({"first": ["b"], "first.name": ["a"]})
        assert mask(flat, "{first: keep, first.name: redact}")[0].to_pylist() == [{"first": "b", "first.name": "***"}]
        assert mask(flat, "{'f*': keep, first.name: redact}")[0].to_pylist() == [{"first": "b", "first.name": "***"}]

    @pytest.mark.parametrize(
        "name", ["", "`", "*", '"q"', "a\nb", "#", ": ", "a: b", "- x", "@", "{x}", "null", "a.b", "a b"]
    )
    def test_what_is_proposed_for_an_odd_name_can_be_pasted(self, name, mask):
        table = pa.table({name: ["x"], "z": [1]})
        with pytest.raises(PlanError) as caught:
            mask(table, "{z: keep}")
        proposed = str(caught.value).partition("or write `")[2].removesuffix("`.")
        assert mask(table, f"{{z: keep, {proposed}}}")[0].to_pylist() == table.to_pylist()

    def test_conditions_find_such_names_too(self, mask):
        rules = "{first.name: keep, 'tags[]': [{when: {first.name: a}, method: redact}, keep]}"
        assert mask(self.FLAT, rules)[0].to_pylist() == [{"first.name": "a", "tags[]": "***"}]
