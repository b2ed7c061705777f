from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate import KeyRing, mask_table
from maskgate.gate.evidence import judge
from maskgate.gate.lineage import lineage_of
from maskgate.gate.model import Floor, Limits, StagingRoot, Thresholds
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.keys import Key
from maskgate.rules import Rules, load_rules
from maskgate.testing.staged_tables import staged_bytes, write_staged

RULES_TEXT = """
version: 1
keys: {contact: env:MASKGATE_TEST_KEY}
domains:
  email: {scheme: hmac, key: contact, prefix: em_}
tables:
  people:
    columns:
      address.city: keep
      address.street: drop
      contacts[].email: {method: token, domain: email}
      contacts[].kind: keep
      labels[].key: keep
      labels[].value: redact
      "*_code": {method: mask, keep_last: 1}
      tax_id:
        - {when: {land: [DE, AT]}, method: redact, with: "-"}
        - {method: mask, keep_last: 2}
      land: keep
"""
FLOOR = Floor(direct_identifier=("drop", "redact", "mask", "token"))
KEYS = KeyRing({"contact": Key("contact", bytes(range(32)))})


def originals() -> pa.Table:
    contacts = [[{"email": "ann@example.com", "kind": "home"}, None], None, []]
    return pa.table(
        {
            "address": pa.array([{"city": "Graz", "street": "Main Street 1"}, None, {"city": None, "street": "x"}]),
            "contacts": pa.array(contacts),
            "labels": pa.array([[("a", "b")], None, []], pa.map_(pa.string(), pa.string())),
            "door_code": pa.array(["1234", None, "99"]),
            "tax_id": pa.array(["DE123", "GB456", None]),
            "land": pa.array(["DE", "GB", "DE"]),
        }
    )


@pytest.fixture
def sealed_of(tmp_path):
    def make(table, rules):
        staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        staging_id = new_staging_id()
        write_staged(staging.open(staging_id).uri, staged_bytes({"people": table}, rules))
        limits = Limits(seal_seconds=60, seal_memory_mb=1024)
        known = {rules.digest: rules}
        return seal(staging, staging_id, tmp_path / "sealed", rules=known, limits=limits, progress=lambda *_: None)

    return make


def registered(text: str = RULES_TEXT) -> Rules:
    """The rules as the gate has them: out of its database, without plugins."""
    return Rules.from_json(load_rules(text).as_json())


def masked(rules: Rules) -> pa.Table:
    return mask_table(originals(), rules, table_name="people", keys=KEYS)[0]


def refusals(sealed, rules, floor=FLOOR):
    return judge(sealed, rules, floor, Thresholds()).refusals


def by_name(sealed):
    return {column.name: column for column in sealed.tables[0].columns}


class TestNestedEvidence:
    """What is inside of nested columns is measured, classified and shown by its own path, under its own rule."""

    def test_nothing_stands_against_an_empty_table(self, sealed_of):
        rules = registered()
        empty = mask_table(originals().slice(0, 0), rules, table_name="people", keys=KEYS)[0]
        assert refusals(sealed_of(empty, rules), rules) == ()

    def test_nothing_stands_against_masked_columns(self, sealed_of):
        rules = registered()
        sealed = sealed_of(masked(rules), rules)
        assert refusals(sealed, rules) == ()
        assert list(by_name(sealed)) == [
            *("address.city", "contacts[].email", "contacts[].kind", "labels[].key", "labels[].value"),
            *("door_code", "tax_id", "land"),
        ]
        assert by_name(sealed)["contacts[].email"].classes == ("email",)
        assert by_name(sealed)["contacts[].email"].method == "token"
        assert by_name(sealed)["contacts[].kind"].classes == ()
        assert by_name(sealed)["door_code"].rule == "*_code"

    def test_a_name_with_a_dot_keeps_its_rule_beside_the_column_before_the_dot(self, sealed_of):
        keys = "keys: {contact: env:MASKGATE_TEST_KEY}"
        rules = registered(f"version: 1\n{keys}\ntables: {{people: {{columns: {{home: keep, home.door: redact}}}}}}")
        flat = pa.table({"home": ["Graz"], "home.door": ["12"]})
        sealed = sealed_of(mask_table(flat, rules, table_name="people", keys=KEYS)[0], rules)
        assert refusals(sealed, rules) == ()
        assert by_name(sealed)["`home.door`"].method == "redact"

    def test_the_schema_is_that_of_the_files(self, sealed_of):
        rules = registered()
        sealed = sealed_of(masked(rules), rules)
        assert [name for name, _ in sealed.tables[0].schema] == masked(rules).column_names
        assert type(sealed).from_json(sealed.as_json()) == sealed

    def test_a_raw_address_inside_of_a_list_is_counted(self, sealed_of):
        rules = registered()
        table = masked(rules)
        table = table.set_column(1, "contacts", originals()["contacts"])
        said = refusals(sealed_of(table, rules), rules)
        assert len(said) == 1
        assert said[0].startswith('table "people", column "contacts[].email": 1 cells do not look like')
        assert "ann" not in said[0]

    def test_a_field_that_should_have_been_dropped(self, sealed_of):
        rules = registered()
        table = masked(rules).set_column(0, "address", originals()["address"])
        assert any(
            '"address.street": the registered rules drop it' in each
            for each in refusals(sealed_of(table, rules), rules)
        )

    def test_a_field_that_no_rule_covers(self, sealed_of):
        rules = registered(RULES_TEXT.replace("      address.street: drop\n", ""))
        known = registered()
        table = masked(known).set_column(0, "address", originals()["address"])
        assert any(
            '"address.street": the registered rules do not cover it' in each
            for each in refusals(sealed_of(table, rules), rules)
        )

    def test_a_kept_address_inside_of_a_list_is_below_the_floor(self, sealed_of):
        rules = registered(
            RULES_TEXT.replace("contacts[].email: {method: token, domain: email}", "contacts[].email: keep")
        )
        (said,) = refusals(sealed_of(masked(rules), rules), rules)
        assert '"contacts[].email" looks like email, and `keep` is below the policy\'s floor' in said

    def test_every_case_of_a_conditional_rule_must_reach_the_floor(self, sealed_of):
        rules = registered(RULES_TEXT.replace("{method: mask, keep_last: 2}", "keep"))
        (said,) = refusals(sealed_of(masked(rules), rules), rules)
        assert '"tax_id" looks like national_id, and `redact or keep` is below' in said

    def test_cells_of_a_conditional_column_look_like_one_of_its_cases(self, sealed_of):
        rules = registered(RULES_TEXT.replace("{method: mask, keep_last: 2}", "{method: redact, with: xx}"))
        table = masked(rules)
        table = table.set_column(4, "tax_id", pa.array(["DE123", "xx", None]))
        assert any('"tax_id": 1 cells do not look like' in each for each in refusals(sealed_of(table, rules), rules))

    def test_lineage_goes_by_path(self, sealed_of):
        rules = registered()
        columns = {
            column["input"]: column
            for column in lineage_of(sealed_of(masked(rules), rules), rules)["tables"][0]["columns"]
        }
        assert columns["contacts[].email"]["output"] == "contacts[].email"
        assert columns["address.street"]["output"] is None
        assert columns["door_code"]["method"] == "mask"


class TestPlugins:
    """The gate loads no code of others: a plugin's method is not checked, and is below every floor."""

    TEXT = """
version: 1
keys: {contact: env:MASKGATE_TEST_KEY}
tables:
  people:
    columns:
      email: {method: acme.shorten, to: 3}
"""

    def test_its_rule_is_registered_unread(self):
        rules = load_rules(self.TEXT, plugins=False)
        assert Rules.from_json(rules.as_json()).digest == rules.digest
        assert rules.tables["people"].columns["email"].describe() == "acme.shorten (to=3)"

    def test_it_does_not_reach_the_floor(self, sealed_of):
        rules = load_rules(self.TEXT, plugins=False)
        (said,) = refusals(sealed_of(pa.table({"email": ["ann", "bob"]}), rules), rules)
        assert "`acme.shorten` is below the policy's floor" in said

    def test_nothing_else_stands_against_it(self, sealed_of):
        rules = load_rules(self.TEXT, plugins=False)
        assert refusals(sealed_of(pa.table({"email": ["ann", "bob"]}), rules), rules, Floor()) == ()
