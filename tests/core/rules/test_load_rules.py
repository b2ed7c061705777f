from __future__ import annotations

from pathlib import Path

import pytest

from maskgate.errors import RulesError
from maskgate.rules import Rules, load_rules, read_rules

HERE = Path(__file__).parent
SAMPLE = Path(__file__).parents[3] / "sample_dags" / "rules" / "customers.yaml"


def files(folder):
    return [pytest.param(path, id=path.stem.replace("_", " ")) for path in sorted((HERE / folder).glob("*.yaml"))]


class TestLoadRules:
    """A rules file is taken whole or refused whole, with everything that is wrong."""

    @pytest.mark.parametrize("path", [*files("accepted"), pytest.param(SAMPLE, id="the sample")])
    def test_accepts(self, path):
        rules = load_rules(path)
        assert rules.path == path
        assert Rules.from_json(rules.as_json()) == rules
        for table in rules.tables.values():
            assert set(table.shapes()) == set(table.columns)

    @pytest.mark.parametrize("path", files("refused"))
    def test_refuses(self, path):
        with pytest.raises(RulesError) as caught:
            read_rules(path.read_text(encoding="utf-8"), path.name)
        assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
        assert caught.value.exit_code == 2

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(RulesError, match="the rules cannot be read: No such file"):
            load_rules(tmp_path / "rules.yaml")

    def test_a_file_that_is_not_text(self, tmp_path):
        (tmp_path / "rules.yaml").write_bytes(b"PAR1\xff\xfe")
        with pytest.raises(RulesError, match="not text in UTF-8"):
            load_rules(tmp_path / "rules.yaml")

    @pytest.mark.parametrize(
        "text", ["version: 1\ntables: {t: {columns: {a: drop}}}", "{version: 1, tables: {t: {columns: {a: drop}}}}"]
    )
    def test_text_is_read_as_well(self, text):
        assert load_rules(text).tables["t"].columns["a"].method == "drop"


class TestRules:
    """Rules hold everything spelled out, so that what means the same is the same."""

    @pytest.fixture
    def whole(self):
        return load_rules(HERE / "accepted" / "whole.yaml")

    def test_a_key_stands_with_every_column_that_takes_it(self, whole):
        columns = whole.tables["customers"].columns
        assert [columns[name].key for name in ("customer_id", "email", "seen_at", "notes")] == [
            "people",
            "contact",
            "contact",
            None,
        ]

    def test_the_only_key_is_the_default(self):
        rules = load_rules(HERE / "accepted" / "one_key.yaml")
        assert {rule.key for rule in rules.tables["people"].columns.values()} == {"people"}

    def test_the_digest_is_that_of_the_meaning(self, whole):
        text = (HERE / "accepted" / "whole.yaml").read_text(encoding="utf-8")
        assert read_rules(f"# moved\n\n{text}", "other.yaml").digest == whole.digest
        assert whole.digest.startswith("sha256:")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            pytest.param("to: year", "to: month", id="an option"),
            pytest.param("NO: keep", "NO: drop", id="a method"),
            pytest.param("unlisted: drop", "unlisted: keep", id="what happens to the rest"),
            pytest.param("scheme: cmac", "scheme: hmac", id="a scheme"),
            pytest.param("env:MASKGATE_KEY_PEOPLE", "env:OTHER", id="a reference"),
        ],
    )
    def test_another_meaning_has_another_digest(self, whole, old, new):
        text = (HERE / "accepted" / "whole.yaml").read_text(encoding="utf-8")
        assert read_rules(text.replace(old, new), "rules.yaml").digest != whole.digest

    def test_only_the_keys_of_the_tables_asked_for_are_referred_to(self, rules):
        assert set(rules.references(["orders"])) == {"people"}
        assert set(rules.references(["orders", "customers"])) == {"people", "contact"}

    def test_a_rule_describes_itself(self, whole):
        columns = whole.tables["customers"].columns
        assert columns["email"].describe() == "token (domain=email, hmac)"
        assert columns["birth_date"].describe() == "generalize (to=year)"
        assert columns["NO"].describe() == "keep"
