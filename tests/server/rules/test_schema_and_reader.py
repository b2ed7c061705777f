"""The JSON Schema and the reader, held against each other. It stands here because this environment has a validator."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from maskgate.errors import RulesError
from maskgate.methods import METHODS
from maskgate.rules import read_rules
from maskgate.rules.json_schema import rules_schema
from maskgate.rules.strict_yaml import parse

ROOT = Path(__file__).parents[3]
RULES = ROOT / "tests" / "core" / "rules"
SAMPLES = sorted((ROOT / "sample_dags" / "rules").glob("*.yaml"))
GUIDE = re.findall(
    r"^```yaml\n(.*?)^```", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)
VALIDATOR = Draft202012Validator(rules_schema())

# Refused for a reason that cannot be seen from the place alone.
BEYOND_A_SCHEMA = {
    "missing_key": "whether the file declares several keys",
    "no_entity": "whether the method's table has an `entity:`",
}
# Refused before there are values: duplicate keys, and what is no YAML.
BEFORE_A_SCHEMA = {"column_twice", "directive", "half_a_character", "hidden_line", "not_yaml"}

ROWS = "version: 1\ntables:\n  customers:\n    columns:\n"
HEAD = """\
version: 1
keys: {people: env:A}
domains: {customer: {scheme: hmac}}
tables:
  t:
    entity: id
    columns:
      id: {method: token, domain: customer}
      x: """


def files(folder):
    return [pytest.param(path, id=path.stem.replace("_", " ")) for path in sorted((RULES / folder).glob("*.yaml"))]


def validates(text):
    return VALIDATOR.is_valid(parse(text, "rules.yaml", RulesError).plain())


def reads(text):
    try:
        read_rules(text, "rules.yaml")
    except RulesError:
        return False
    return True


class TestSchema:
    """What the reader takes is valid; what it refuses is not, as far as a schema can tell."""

    def test_it_is_a_schema(self):
        Draft202012Validator.check_schema(VALIDATOR.schema)

    @pytest.mark.parametrize("path", [*files("accepted"), *(pytest.param(each, id=each.stem) for each in SAMPLES)])
    def test_what_is_accepted_is_valid(self, path):
        problems = VALIDATOR.iter_errors(parse(path.read_text(encoding="utf-8"), path.name, RulesError).plain())
        assert [problem.message for problem in problems] == []

    @pytest.mark.parametrize("example", GUIDE, ids=lambda example: example.partition("\n")[0])
    def test_the_examples_of_the_guide_are_valid(self, example):
        assert validates(example if example.startswith("version:") else ROWS + textwrap.indent(example, "      "))

    @pytest.mark.parametrize("path", files("refused"))
    def test_what_is_refused_is_not(self, path):
        text = path.read_text(encoding="utf-8")
        if path.stem in BEFORE_A_SCHEMA:
            with pytest.raises(RulesError):
                parse(text, path.name, RulesError)
        else:
            assert validates(text) == (path.stem in BEYOND_A_SCHEMA)

    def test_every_exception_is_a_file(self):
        names = {path.stem for path in (RULES / "refused").glob("*.yaml")}
        assert {*BEYOND_A_SCHEMA, *BEFORE_A_SCHEMA} <= names

    @pytest.mark.parametrize(
        "rule",
        [
            "drop",
            "{method: drop}",
            "drp",
            "''",
            "null",
            "7",
            "{}",
            "[drop]",
            "token",
            "{method: token}",
            "{method: token, domain: customer}",
            "{method: token, domain: customer, key: people}",
            "{method: token, domain: ''}",
            "{method: keep, domain: customer}",
            "{method: keep, when: {id: 1}}",
            "{method: redact, on_invalid: nullify}",
            "{method: redact, on_invalid: ignore}",
            "{method: shift_date, days: 30, key: people}",
            "{method: shift_date}",
            "shift_date",
            "[{when: {id: 1}, method: redact}, keep]",
            "[{when: {id: 1}, method: redact}, {method: keep}]",
            "[{when: {id: 1}, method: drop}, keep]",
            "[{when: {}, method: redact}, keep]",
            "[{when: {id: []}, method: redact}, keep]",
            "[{when: {id: [1, a, null, true]}, method: redact}, keep]",
            "[{when: {id: {not: [1, 2]}}, method: redact}, keep]",
            "[{when: {id: {not: {not: 1}}}, method: redact}, keep]",
            "[{when: {id: {at_least: 1, at_most: 5}}, method: redact}, keep]",
            "[{when: {id: {at_least: true}}, method: redact}, keep]",
            "[{when: {id: {at_lest: 1}}, method: redact}, keep]",
            "[{when: {id: {matches: '^A'}}, method: redact}, keep]",
            "[{when: {id: {matches: '^A', at_least: 1}}, method: redact}, keep]",
            "[{when: {id: {}}, method: redact}, keep]",
        ],
    )
    def test_a_rule_is_valid_where_it_reads(self, rule):
        assert validates(HEAD + rule) == reads(HEAD + rule)

    @pytest.mark.parametrize(
        "domain",
        [
            "{scheme: hmac}",
            "{scheme: sha256}",
            "{}",
            "{scheme: hmac, prefix: c_, normalize: [trim, lower, nfc, digits], scope: partner}",
            "{scheme: hmac, normalize: trim}",
            "{scheme: hmac, normalize: [upper]}",
            "{scheme: hmac, format: base32, length: 20}",
            "{scheme: hmac, format: base64}",
            "{scheme: hmac, length: 0}",
            "{scheme: hmac, digits: 10}",
            "{scheme: fpe, digits: 10}",
            "{scheme: fpe, alphabet: letters}",
            "{scheme: fpe, format: hex}",
            "{scheme: fpe, luhn: true}",
            "{scheme: fpe, luhn: 'yes'}",
            "{scheme: encrypt}",
            "{scheme: encrypt, alphabet: digits}",
            "{scheme: hmac, tweak: x}",
        ],
    )
    def test_a_domain_is_valid_where_it_reads(self, domain):
        text = f"version: 1\nkeys: {{k: env:A}}\ndomains: {{d: {domain}}}\ntables: {{t: {{columns: {{a: drop}}}}}}\n"
        assert validates(text) == reads(text)

    @pytest.mark.parametrize("method", sorted(METHODS))
    def test_an_option_that_no_method_has_is_refused(self, method):
        assert not validates(f"{HEAD}{{method: {method}, domain: customer, no_such_option: 1}}")
        for parameter in METHODS[method].declaration.parameters:
            assert not validates(f"{HEAD}{{method: {method}, {parameter.name}: {{a: [b]}}}}")

    def test_a_plugin_is_left_to_the_reader(self):
        assert validates(HEAD + "{method: acme.initials, upper: true}")
        assert validates(HEAD + "acme.initials")
