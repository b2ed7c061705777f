from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import KeyReferenceError, PlanError
from maskgate.keys import Key, KeyRing
from maskgate.masking import MaskingPlan, mask_table
from maskgate.rules import load_rules, read_rules


def rules_for(columns, unlisted="fail", entity=""):
    lines = "\n".join(f"      {column}" for column in columns)
    entity = f"    entity: {entity}\n" if entity else ""
    return read_rules(f"version: 1\nunlisted: {unlisted}\ntables:\n  t:\n{entity}    columns:\n{lines}\n", "rules.yaml")


def problems(rules, schema, table="t"):
    with pytest.raises(PlanError) as caught:
        MaskingPlan.make(rules, table, schema, KeyRing({"people": Key("people", bytes(32))}))
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


class TestPlaces:
    """Where the rules lie in a file, every problem says in which line."""

    RULES = """\
version: 1
tables:
  t:
    entity: person
    columns:
      "*_at": {method: generalize, to: year}
      born:
        - {when: {made_at: null}, method: mask}
        - keep
"""

    @pytest.fixture
    def rules(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "rules.yaml").write_text(self.RULES)
        return load_rules("rules.yaml")

    def test_the_line_of_the_rule_of_the_entity_and_of_the_check(self, rules):
        schema = pa.schema({"made_at": pa.float64(), "born": pa.date32(), "more": pa.int8()})
        places = {line.split('table "t": ')[1][:16]: line.split(",")[0] for line in problems(rules, schema)}
        assert places == {
            'column "made_at"': "rules.yaml:6",
            'column "born" (d': "rules.yaml:7",
            'column "more" (i': "rules.yaml:5",
            "the entity colum": "rules.yaml:4",
        }

    def test_a_key_that_cannot_be_had(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        text = "version: 1\nkeys:\n  k: env:NO_SUCH_KEY\ntables: {t: {columns: {a: shuffle}}}\n"
        (tmp_path / "rules.yaml").write_text(text)
        with pytest.raises(KeyReferenceError, match=r'^rules\.yaml:3, key "k": the environment variable NO_SUCH_KEY'):
            mask_table(pa.table({"a": pa.array([1])}), load_rules("rules.yaml"), table_name="t")

    def test_a_file_that_is_gone_takes_only_the_lines_along(self, rules, tmp_path):
        (tmp_path / "rules.yaml").unlink()
        assert problems(rules, pa.schema({"born": pa.date32()}))[0].startswith('table "t": ')

    def test_a_table_that_is_not_there(self, rules):
        (problem,) = problems(rules, pa.schema({}), table="u")
        assert problem == 'rules.yaml:2, table "u": the rules have no such table. Known are: t.'


class TestMaskingPlan:
    """Rules that do not fit the schema refuse before the first row, with everything that does not fit."""

    def test_everything_is_said_at_once(self):
        schema = pa.schema({"emial": pa.string(), "born": pa.float64(), "birthday": pa.date32()})
        rules = rules_for(["email: drop", "born: {method: generalize, to: year}", "gone: keep"], entity="person")
        assert problems(rules, schema) == [
            'table "t": column "emial" (string) is not covered by any rule. Add a rule, or write `emial: keep`.',
            'table "t": column "born" (double): \'generalize\': `to:` generalizes dates and timestamps, not double.',
            (
                'table "t": column "birthday" (date32[day]) is not covered by any rule. '
                "Add a rule, or write `birthday: keep`."
            ),
            'table "t": column "email" has a rule, and the data has no such column. Did you mean \'emial\'?',
            (
                'table "t": column "gone" has a rule, and the data has no such column. '
                "Take its rule out, or mask the data it was written for."
            ),
            'table "t": the entity column "person" is not in the data. Known are: birthday, born, emial.',
        ]

    def test_a_table_without_rules(self):
        assert problems(rules_for(["a: keep"]), pa.schema({"a": pa.string()}), "tt") == [
            "table \"tt\": the rules have no such table. Did you mean 't'?"
        ]

    def test_a_type_that_a_method_does_not_take(self):
        found = problems(rules_for(["a: {method: mask, keep_last: 2}"]), pa.schema({"a": pa.float64()}))
        (only,) = found
        assert only == (
            'table "t": column "a" (double): \'mask\' takes integer, null, string. '
            "Methods for float: bottom_code, generalize, noise, round, shuffle, swap, top_code; "
            "or convert the column first."
        )

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            pytest.param(
                "a: {method: scrub, also_remove: [a]}",
                "'scrub' looks at \"a\": that is the column itself. Name another one.",
                id="the column itself",
            ),
            pytest.param(
                "'`a.b`': {method: scrub, also_remove: [a.b]}",
                "'scrub' looks at \"a.b\": that is the column itself. Name another one.",
                id="the column itself, with a dot in its name",
            ),
            pytest.param(
                "'l[].x': {method: scrub, also_remove: ['l[].x']}",
                "'scrub' looks at \"l[].x\": that is the column itself. Name another one.",
                id="the same field of the same element",
            ),
            pytest.param(
                "a: {method: scrub, also_remove: [l]}",
                "cannot be looked for as text. Name a column of single values.",
                id="a nested column",
            ),
            pytest.param(
                "a: {method: swap, within: [l]}",
                "makes no groups. Name a column of single values.",
                id="groups by a nested column",
            ),
        ],
    )
    def test_another_column_that_is_of_no_use(self, rule, words):
        entry = pa.list_(pa.struct({"x": pa.string(), "y": pa.string()}))
        schema = pa.schema({"a": pa.string(), "a.b": pa.string(), "l": entry})
        text = f"version: 1\nkeys: {{people: env:KEY}}\nunlisted: keep\ntables:\n  t:\n    columns:\n      {rule}\n"
        found = [each for each in problems(read_rules(text, "rules.yaml"), schema) if "looks at" in each]
        assert len(found) == 1
        assert found[0].endswith(words)

    def test_a_sibling_of_the_same_name_in_another_list_is_another_column(self):
        schema = pa.schema({"x": pa.string(), "l": pa.list_(pa.struct({"x": pa.string()}))})
        rules = rules_for(["'l[].x': {method: scrub, also_remove: [x]}", "x: keep"])
        assert MaskingPlan.make(rules, "t", schema, KeyRing({})).output_schema.names == ["x", "l"]

    def test_an_entity_without_one_spelling(self):
        found = problems(rules_for(["a: keep"], entity="a"), pa.schema({"a": pa.float64()}))
        assert found[0].startswith('table "t": the entity column "a" (double): double has no one spelling')

    def test_two_columns_of_one_name(self):
        schema = pa.schema([pa.field("a", pa.string()), pa.field("a", pa.string())])
        assert "more than once" in problems(rules_for(["a: keep"]), schema)[0]

    def test_nothing_would_be_left(self):
        assert "every column is dropped" in problems(rules_for(["a: drop"]), pa.schema({"a": pa.string()}))[0]

    def test_a_key_that_the_ring_does_not_have(self, rules, customers):
        with pytest.raises(KeyReferenceError, match="no key is called"):
            MaskingPlan.make(rules, "customers", customers.schema, KeyRing({}))

    @pytest.mark.parametrize(
        ("unlisted", "names", "cells"),
        [
            pytest.param("drop", ["a"], ["x"], id="an unlisted column is dropped"),
            pytest.param("nullify", ["a", "b"], ["x", None], id="an unlisted column is nullified"),
            pytest.param("keep", ["a", "b"], ["x", "y"], id="an unlisted column is kept"),
        ],
    )
    def test_what_happens_to_the_rest_can_be_said(self, unlisted, names, cells):
        batch = pa.record_batch({"a": ["x"], "b": ["y"]})
        plan = MaskingPlan.make(rules_for(["a: keep"], unlisted), "t", batch.schema, KeyRing({}))
        masked = plan.mask_batch(batch)
        assert masked.schema.names == names
        assert [column[0].as_py() for column in masked.columns] == cells
        assert [column.is_listed for column in plan.columns] == [True, False]

    def test_the_plan_tells_lineage_what_it_does(self, rules, customers, keys):
        plan = MaskingPlan.make(rules, "customers", customers.schema, keys)
        described = {column.input: column.as_json() for column in plan.columns}
        assert described["email"] == {
            "input": "email",
            "method": "token",
            "description": "token (domain=email, hmac)",
            "output": "email",
            "domain": "email",
            "key": "contact",
            "key_version": 1,
        }
        assert described["full_name"]["output"] is None
        assert plan.key_versions() == {"people": 1, "contact": 1}
        assert str(plan.output_schema.field("birth_date").type) == "int32"
