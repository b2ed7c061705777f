"""The JSON Schema and the reader, held against each other. It stands here because this environment has a validator."""

from __future__ import annotations

import json
import re
import textwrap
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from maskgate.errors import RulesError
from maskgate.methods import METHODS
from maskgate.rules import read_rules
from maskgate.rules.json_schema import rules_schema
from maskgate.rules.strict_yaml import parse

ROOT = Path(__file__).parents[3]
RULES = ROOT / "tests" / "core" / "rules"
SAMPLES = sorted((ROOT / "sample_dags" / "rules").glob("*.yaml"))
GUIDE = [
    block
    for name in ("rules.md", "methods.md")
    for block in re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
]
VALIDATOR = Draft202012Validator(rules_schema())

# Refused before there are values: duplicate keys, and what is no YAML.
BEFORE_A_SCHEMA = {"column_twice", "directive", "half_a_character", "hidden_line", "not_yaml"}

ROWS = "version: 1\nkeys: {people: env:A}\ntables:\n  customers:\n    entity: customer_id\n    columns:\n"
ACCEPTED = [*sorted((RULES / "accepted").glob("*.yaml")), *SAMPLES]
ODD = [
    None,
    True,
    0,
    1,
    -1,
    4.0,
    4.5,
    1e300,
    "",
    "*",
    "a[",
    "a.b",
    "a[].b",
    [],
    {},
    [None],
    [1, "a"],
    {"not": 1},
    {"a": {"a": 1}},
]
WORDS = sorted({each.name for method in METHODS.values() for each in method.declaration.parameters})
WORDS += [
    "method",
    "when",
    "domain",
    "key",
    "on_invalid",
    "entity",
    "check",
    "scheme",
    "drop",
    "keep",
    "token",
    "matches",
]
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


def reads(text, path=None):
    try:
        read_rules(text, "rules.yaml", path)
    except RulesError:
        return False
    return True


def change(document, data):
    """Put something odd in one place of a document."""
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and data.draw(st.integers(0, 4)):
            place = place[key]
            continue
        break
    match data.draw(st.sampled_from(["take out", "rename", "replace", "add"])):
        case "take out":
            del place[key]
        case "rename" if isinstance(place, dict):
            place[data.draw(st.sampled_from(WORDS))] = place.pop(key)
        case "add" if isinstance(place, dict):
            place[data.draw(st.sampled_from(WORDS))] = deepcopy(data.draw(st.sampled_from(ODD)))
        case _:
            place[key] = deepcopy(data.draw(st.sampled_from([*ODD, *WORDS])))


class TestSchema:
    """What the reader takes is valid; what it refuses is not, as far as a schema can tell."""

    def test_it_is_a_schema(self):
        Draft202012Validator.check_schema(VALIDATOR.schema)
        with pytest.raises(SchemaError):
            Draft202012Validator.check_schema({**VALIDATOR.schema, "type": "file"})

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
            assert not validates(text)

    def test_every_exception_is_a_file(self):
        names = {path.stem for path in (RULES / "refused").glob("*.yaml")}
        assert names >= BEFORE_A_SCHEMA

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
            "[{when: {id: {at_least: ''}}, method: redact}, keep]",
            "[{when: {'i*': 1}, method: redact}, keep]",
            "[{when: {'i[': 1}, method: redact}, keep]",
            "[keep, {when: {id: 1}, method: redact}]",
            "[{when: {id: 1}, method: redact}, {when: {id: 2}, method: redact}]",
            "[{when: {id: 1}, method: redact}, redact, keep]",
            "[redact, keep]",
            "{method: mask, keep_last: 4.0}",
            "{method: mask, keep_last: 4.5}",
            "{method: round, to: 0}",
            "{method: round, to: 0.5}",
            "{method: swap, rank_distance: 0}",
            "{method: swap, within: ['a*']}",
            "{method: swap, within: 'a['}",
            "{method: scrub, also_remove: ['contacts[].name', '`a.b`']}",
            "{method: noise, scale: 0}",
            "{method: noise}",
            "{method: generalize}",
            "{method: generalize, to: year, band: 3}",
            "{method: generalize, to: year}",
            "{method: top_code, at: 3}",
            "{method: top_code, at: 3, not_after: 2020-01-01}",
            "{method: truncate}",
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
            "{scheme: hmac, length: 7}",
            "{scheme: hmac, length: 32}",
            "{scheme: hmac, length: 33}",
            "{scheme: cmac, format: integer, length: 6}",
            "{scheme: cmac, format: integer, length: 19}",
            "{scheme: cmac, format: integer, prefix: a}",
            "{scheme: hmac, format: uuid, length: 36}",
            "{scheme: hmac, format: uuid, length: 20}",
            "{scheme: encrypt, format: base32}",
            "{scheme: encrypt, format: base58}",
            "{scheme: encrypt, length: 40}",
            "{scheme: fpe, digits: 5}",
            "{scheme: fpe, digits: 18}",
            "{scheme: fpe, digits: 19}",
            "{scheme: fpe, digits: 10, alphabet: letters}",
            "{scheme: fpe, digits: 10, alphabet: digits, luhn: true}",
            "{scheme: fpe, luhn: true, alphabet: hexadecimal}",
            "{scheme: hmac, prefix: 'v{version}_'}",
            "{scheme: hmac, prefix: '{versoin}_'}",
        ],
    )
    def test_a_domain_is_valid_where_it_reads(self, domain):
        text = f"version: 1\nkeys: {{k: env:A}}\ndomains: {{d: {domain}}}\ntables: {{t: {{columns: {{a: drop}}}}}}\n"
        assert validates(text) == reads(text)

    @pytest.mark.parametrize(
        "column",
        [
            "a",
            "a.b",
            "'a[].b'",
            "'m[][]'",
            "'*_a'",
            "'`a.b`'",
            "'``'",
            "'a['",
            "'a[0]'",
            "a..b",
            "'.a'",
            "a.",
            "'[]'",
            "'`a'",
        ],
    )
    def test_a_column_is_valid_where_it_reads(self, column):
        text = f"version: 1\ntables: {{t: {{columns: {{{column}: drop}}}}}}\n"
        assert validates(text) == reads(text)

    @pytest.mark.parametrize("where", ["entity: {}", "check: {{unique: [{}]}}", "check: {{no_value_survives: [{}]}}"])
    @pytest.mark.parametrize("column", ["a", "a.b", "'a[].b'", "'a*'", "'`a*`'", "'a['", "''"])
    def test_the_name_of_one_column_is_valid_where_it_reads(self, where, column):
        text = f"version: 1\ntables:\n  t:\n    {where.format(column)}\n    columns: {{x: drop}}\n"
        assert validates(text) == reads(text)

    @pytest.mark.parametrize(
        "table",
        [
            "t",
            "a b",
            "a.b",
            "日本",
            "_",
            "1",
            "a" * 100,
            "a" * 101,
            "''",
            "a/b",
            "a..b",
            "' a'",
            "'a '",
            '"a\\n"',
            "a:b",
        ],
    )
    def test_a_table_is_valid_where_it_reads(self, table):
        text = f"version: 1\ntables: {{{table}: {{columns: {{x: drop}}}}}}\n"
        assert validates(text) == reads(text)

    @pytest.mark.parametrize(
        ("keys", "rest"),
        [
            ("{}", "tables: {t: {columns: {a: shuffle}}}"),
            ("{k: env:A}", "tables: {t: {columns: {a: shuffle}}}"),
            ("{k: env:A, l: env:B}", "tables: {t: {columns: {a: shuffle}}}"),
            ("{k: env:A, l: env:B}", "tables: {t: {key: k, columns: {a: shuffle}}}"),
            ("{k: env:A, l: env:B}", "tables: {t: {columns: {a: {method: shuffle, key: l}}}}"),
            ("{k: env:A, l: env:B}", "tables: {t: {columns: {a: [{when: {b: 1}, method: redact}, shuffle]}}}"),
            ("{k: env:A, l: env:B}", "domains: {d: {scheme: hmac}}\ntables: {t: {columns: {a: drop}}}"),
            ("{k: env:A, l: env:B}", "domains: {d: {scheme: hmac, key: k}}\ntables: {t: {columns: {a: drop}}}"),
            ("{}", "domains: {d: {scheme: hmac}}\ntables: {t: {columns: {a: drop}}}"),
            ("{}", "domains: {}\ntables: {t: {columns: {a: drop}}}"),
        ],
    )
    def test_a_key_is_named_where_it_must_be(self, keys, rest):
        text = f"version: 1\nkeys: {keys}\n{rest}\n"
        assert validates(text) == reads(text)

    @given(data=st.data())
    @settings(max_examples=300, deadline=None)
    def test_what_reads_is_valid_whatever_is_changed(self, data):
        """The schema refuses nothing that the reader takes, and nothing but a refusal comes out of the reader."""
        path = data.draw(st.sampled_from(ACCEPTED))
        changed = parse(path.read_text(encoding="utf-8"), path.name, RulesError).plain()
        for _ in range(data.draw(st.integers(1, 3))):
            change(changed, data)
        if reads(json.dumps(changed), path):
            assert [problem.message for problem in VALIDATOR.iter_errors(changed)] == []

    @pytest.mark.parametrize("method", sorted(METHODS))
    def test_an_option_that_no_method_has_is_refused(self, method):
        assert not validates(f"{HEAD}{{method: {method}, domain: customer, no_such_option: 1}}")
        for parameter in METHODS[method].declaration.parameters:
            assert not validates(f"{HEAD}{{method: {method}, {parameter.name}: {{a: [b]}}}}")

    def test_a_plugin_is_left_to_the_reader(self):
        assert validates(HEAD + "{method: acme.initials, upper: true}")
        assert validates(HEAD + "acme.initials")
