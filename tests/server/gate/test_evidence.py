from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.gate.evidence import judge
from maskgate.gate.model import Floor, Limits, MeasuredColumn, MeasuredTable, Sealed, StagingRoot, Thresholds
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.rules import load_rules
from maskgate.testing.staged_tables import RULES_TEXT, masked_tables, sample_rules, staged_bytes, write_staged

RULES = sample_rules()
FLOOR = Floor(direct_identifier=("drop", "redact", "nullify", "token"))
NO_FLOOR = Floor()
NO_THRESHOLDS = Thresholds()


@pytest.fixture
def sealed_of(tmp_path):
    def make(tables, rules=RULES):
        staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        staging_id = new_staging_id()
        opened = staging.open(staging_id)
        write_staged(opened.uri, staged_bytes(tables, rules))
        return seal(
            staging,
            staging_id,
            tmp_path / "sealed",
            rules={rules.digest: rules},
            limits=Limits(seal_seconds=60, seal_memory_mb=1024),
            progress=lambda *_: None,
        )

    return make


def refusals(sealed, rules=RULES, floor=FLOOR, thresholds=NO_THRESHOLDS):
    return judge(sealed, rules, floor, thresholds).refusals


def with_column(tables, name, values):
    return {**tables, "customers": tables["customers"].append_column(name, pa.array(values))}


class TestEvidence:
    """What is measured stands beside what is declared, and only the former counts."""

    def test_nothing_stands_against_an_empty_table(self, sealed_of):
        assert refusals(sealed_of(masked_tables(rows=0))) == ()

    def test_nothing_stands_against_masked_tables(self, sealed_of):
        assert refusals(sealed_of(masked_tables())) == ()

    def test_figures_say_whether_they_were_measured(self, sealed_of):
        evidence = judge(sealed_of(masked_tables()), RULES, FLOOR, NO_THRESHOLDS)
        assert evidence.measured["tables"]["customers"]["rows"] == 4
        assert evidence.measured["tables"]["customers"]["columns"]["email"] == {
            "type": "string",
            "nulls": 1,
            "shape_violations": 0,
            "classes": ["email"],
            "methods": ["token"],
            "reversible_by": "nobody",
        }
        assert evidence.declared["keys"] == {"contact": 1}
        assert evidence.declared["tables"]["customers"]["columns"]["email"] == {"method": "keep", "nulls": 0}


class TestRefusals:
    """Data that is not masked as the registered rules say is refused before anyone is asked."""

    def test_raw_addresses_under_a_lying_report(self, sealed_of):
        tables = masked_tables()
        raw = pa.array(["ann@example.com", None, "bob@example.com", "eve@example.com"])
        tables["customers"] = tables["customers"].set_column(0, "email", raw)
        (said,) = refusals(sealed_of(tables))
        assert said == (
            'table "customers", column "email": 3 cells do not look like the output of `token`. '
            "The column was not masked as the registered rules say; mask again with them."
        )

    def test_a_column_that_should_have_been_dropped(self, sealed_of):
        said = refusals(sealed_of(with_column(masked_tables(), "ssn", ["x"] * 4)))
        assert any('"ssn": the registered rules drop it, but it is there' in each for each in said)

    def test_a_dropped_column_without_a_value(self, sealed_of):
        said = refusals(sealed_of(with_column(masked_tables(rows=0), "ssn", pa.array([], pa.string()))))
        assert any('"ssn": the registered rules drop it' in each for each in said)

    def test_a_column_that_no_rule_covers(self, sealed_of):
        (said,) = refusals(sealed_of(with_column(masked_tables(), "shoe_size", [40, 41, 42, 43])))
        assert '"shoe_size": the registered rules do not cover it' in said

    @pytest.mark.parametrize(
        ("unlisted", "values", "words"),
        [
            pytest.param("keep", [1, 2, 3, 4], None, id="kept, as the rules say"),
            pytest.param("nullify", [None] * 4, None, id="all null, as the rules say"),
            pytest.param(
                "nullify", [None, 2, None, 4], "2 cells do not look like the output of `nullify`", id="not null"
            ),
            pytest.param("drop", [None] * 4, "do not cover it", id="there, and should have been dropped"),
        ],
    )
    def test_unlisted_columns_go_by_the_rules(self, sealed_of, unlisted, values, words):
        rules = load_rules(RULES_TEXT.replace("tables:", f"unlisted: {unlisted}\ntables:", 1))
        said = refusals(
            sealed_of(with_column(masked_tables(), "shoe_size", pa.array(values, pa.int64())), rules), rules
        )
        assert (words is None and said == ()) or (len(said) == 1 and words in said[0])

    def test_a_column_that_is_missing(self, sealed_of):
        tables = masked_tables()
        tables["orders"] = tables["orders"].drop_columns(["amount"])
        (said,) = refusals(sealed_of(tables))
        assert said.startswith('table "orders": the registered rules have a column "amount", the files do not')

    def test_a_schema_other_than_the_declared(self, sealed_of):
        sealed = sealed_of(masked_tables())
        lying = Sealed.from_json({**sealed.as_json(), "declared": {"tables": {}}})
        assert len(refusals(lying)) == 4
        assert "the columns in the files are not those of the manifest" in refusals(lying)[0]

    def test_a_table_that_the_rules_do_not_have(self):
        strange = Sealed("sha256:0", "", (), (MeasuredTable("strangers", 1, (), ()),), RULES.digest)
        assert refusals(strange) == (
            'table "strangers" is not in the registered rules. Add it to them, or leave it out.',
        )

    def test_all_reasons_are_given_together(self, sealed_of):
        tables = with_column(masked_tables(), "shoe_size", [1, 2, 3, 4])
        tables["orders"] = tables["orders"].set_column(0, "email", pa.array(["ann@example.com"] * 4))
        said = refusals(sealed_of(tables), thresholds=Thresholds(rows_at_least=5))
        assert len(said) == 4
        assert not any("ann@" in each for each in said)


class TestFloor:
    """What the gate itself takes for a direct identifier must be masked by a method of the floor."""

    KEPT = RULES_TEXT.replace("email: {method: token, domain: email}", "email: keep")

    def test_raw_addresses_that_the_rules_keep(self, sealed_of):
        rules = load_rules(self.KEPT)
        tables = masked_tables()
        tables["customers"] = tables["customers"].set_column(0, "email", pa.array(["ann@example.com"] * 4))
        said = refusals(sealed_of(tables, rules), rules)
        assert said[0] == (
            'table "customers", column "email" looks like email, and `keep` is below the policy\'s floor. '
            "Use one of: drop, redact, nullify, token."
        )

    def test_raw_addresses_under_a_harmless_name(self, sealed_of):
        tables = masked_tables()
        tables["customers"] = tables["customers"].set_column(2, "country", pa.array(["ann@example.com"] * 4))
        (said,) = refusals(sealed_of(tables))
        assert '"country" looks like email' in said

    def test_no_floor_in_the_policy(self, sealed_of):
        rules = load_rules(self.KEPT)
        assert refusals(sealed_of(masked_tables(), rules), rules, NO_FLOOR) == ()

    def test_an_unlisted_column_has_no_method(self):
        rules = load_rules(RULES_TEXT.replace("tables:", "unlisted: keep\ntables:", 1))
        column = MeasuredColumn("mail", "string", 0, 0, ("email",), None)
        table = MeasuredTable("orders", 1, (("mail", "string"),), (column,))
        sealed = Sealed("sha256:0", "", (), (table,), rules.digest)
        assert any("`no method` is below the policy's floor" in each for each in refusals(sealed, rules))


class TestThresholds:
    """Thresholds are for measured rows, of every table."""

    @pytest.mark.parametrize(
        ("thresholds", "words"),
        [
            pytest.param(Thresholds(rows_at_least=4, rows_at_most=4), None, id="just enough, and just few enough"),
            pytest.param(Thresholds(rows_at_least=5), "has 4 rows; the policy wants at least 5", id="too few"),
            pytest.param(Thresholds(rows_at_most=3), "has 4 rows; the policy allows at most 3", id="too many"),
        ],
    )
    def test_rows(self, sealed_of, thresholds, words):
        said = refusals(sealed_of(masked_tables()), thresholds=thresholds)
        assert (words is None and said == ()) or (len(said) == 2 and all(words in each for each in said))
