from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from maskgate.errors import Problem
from maskgate.rules import read_rules
from maskgate.rules.checks import check_rules
from maskgate.rules.findings import CODES, Finding, Lines, Severity, allowed, from_plan_problem, from_problem
from maskgate.rules.subjects import Looked, subjects_of

HEAD = """\
version: 1
keys: {people: env:A}
domains:
  one_way: {scheme: hmac}
  fast: {scheme: cmac}
  back: {scheme: encrypt}
tables:
  customers:
    entity: customer_id
"""


def found(text, types=None, rows=None):
    """What is found in rules, of which columns may have a type."""
    rules, lines = read_rules(text, "rules.yaml"), Lines.of(text, "rules.yaml")
    subjects = [replace(each, input=(types or {}).get(each.path)) for each in subjects_of(rules, lines)]
    findings = check_rules(Looked(rules, lines, tuple(subjects), rows or {}))
    assert {each.code for each in findings} <= set(CODES)
    return findings


def of_columns(columns, code, **known):
    """The columns that a finding of one code is about, in a table of these columns."""
    findings = found(HEAD + "    columns:\n" + "".join(f"      {each}\n" for each in columns), **known)
    return [each.column for each in findings if each.code == code]


class TestUniqueness:
    """A column that tells rows apart is warned about where it no longer would."""

    def test_a_column_that_must_be_unique(self):
        text = HEAD + "    check: {unique: [email, login]}\n    columns:\n"
        text += "      email: {method: generalize, keep_first: 3}\n      login: {method: token, domain: one_way}\n"
        (finding,) = [each for each in found(text) if each.code == "uniqueness-lost"]
        assert (finding.line, finding.column, finding.severity) == (12, "email", "warning")
        assert "'generalize' makes different values equal, and `check: unique` wants" in finding.message
        assert "token" in finding.suggestion

    def test_a_pattern_that_it_falls_under(self):
        text = HEAD + "    check: {unique: [work_email, home_email]}\n    columns:\n"
        text += "      '*_email': {method: fake, kind: email}\n      home_email: {method: token, domain: one_way}\n"
        assert [each.column for each in found(text) if each.code == "uniqueness-lost"] == ["*_email"]

    @pytest.mark.parametrize(
        ("column", "warned"),
        [
            pytest.param("customer_id: {method: mask, keep_last: 2}", True, id="the entity"),
            pytest.param(
                "'customer_*': {method: mask, keep_last: 2}", True, id="a pattern that the entity falls under"
            ),
            pytest.param("orderId: {method: mask, keep_last: 2}", True, id="a name that ends like a key"),
            pytest.param("order_no: {method: mask, keep_last: 2}", True, id="a number of things"),
            pytest.param("uuid: {method: generalize, keep_first: 8}", True, id="a name that is one"),
            pytest.param("customer_id: drop", False, id="an entity that is dropped"),
            pytest.param("paid: {method: mask, keep_last: 2}", False, id="a name that only sounds so"),
            pytest.param("order_id: {method: token, domain: one_way}", False, id="a token"),
        ],
    )
    def test_a_column_that_looks_like_a_key(self, column, warned):
        assert bool(of_columns([column], "uniqueness-lost")) == warned


class TestLowEntropy:
    """A token of a column with few different values is warned about; it hides little."""

    @pytest.mark.parametrize(
        "name", ["gender", "birth_date", "dateOfBirth", "postcode", "country", "is_active", "hasChildren", "age"]
    )
    def test_by_name(self, name):
        assert of_columns([f"{name}: {{method: token, domain: one_way}}"], "low-entropy-token") == [name]

    @pytest.mark.parametrize(
        "kind", [pa.bool_(), pa.int8(), pa.uint8(), pa.date32(), pa.dictionary(pa.int8(), pa.bool_())], ids=str
    )
    def test_by_type(self, kind):
        columns = ["x: {method: token, domain: one_way}"]
        assert of_columns(columns, "low-entropy-token", types={"x": kind}) == ["x"]
        assert of_columns(columns, "low-entropy-token", types={"x": pa.string()}) == []

    @pytest.mark.parametrize("rule", ["keep", "redact", "{method: generalize, to: year}"])
    def test_another_method_is_not(self, rule):
        assert of_columns([f"birth_date: {rule}"], "low-entropy-token") == []

    @pytest.mark.parametrize(("index", "warned"), [(pa.int8(), True), (pa.uint8(), True), (pa.int32(), False)])
    def test_by_the_size_of_its_dictionary(self, index, warned):
        types = {"x": pa.dictionary(index, pa.string())}
        assert bool(of_columns(["x: {method: token, domain: one_way}"], "low-entropy-token", types=types)) == warned

    def test_a_column_of_many_values_is_not(self):
        assert of_columns(["email: {method: token, domain: one_way}"], "low-entropy-token") == []


class TestGuessing:
    """It is said where whoever holds the key of one-way tokens can try every value."""

    @pytest.mark.parametrize("name", ["phone", "ssn", "card_number", "ip"])
    def test_of_kinds_with_not_so_many_values(self, name):
        columns = [f"{name}: {{method: token, domain: one_way}}"]
        assert of_columns(columns, "guessable-token") == [name]
        assert of_columns(columns, "reversible-by-key-holder") == []

    @pytest.mark.parametrize("rule", ["drop", "{method: token, domain: back}", "{method: token, domain: fast}"])
    def test_it_is_not_said_of_others(self, rule):
        assert of_columns([f"phone: {rule}", "email: {method: token, domain: one_way}"], "guessable-token") == []


class TestTokenSpace:
    """A token space that is small for what goes into it is warned about."""

    @pytest.mark.parametrize(
        ("domain", "rows", "warned"),
        [
            pytest.param("{scheme: hmac}", 10**9, False, id="128 bits for a thousand million rows"),
            pytest.param("{scheme: hmac, length: 8}", 10_000, True, id="32 bits for ten thousand"),
            pytest.param("{scheme: hmac, length: 8}", 1, False, id="one row"),
            pytest.param("{scheme: cmac, format: integer, length: 6}", 100, True, id="six digits for a hundred"),
            pytest.param("{scheme: fpe, digits: 10}", 10**9, False, id="no two values under fpe"),
        ],
    )
    def test_two_values_may_get_one_token(self, domain, rows, warned):
        text = f"version: 1\nkeys: {{k: env:A}}\ndomains: {{d: {domain}}}\ntables:\n  t:\n    columns:\n"
        findings = found(f"{text}      x: {{method: token, domain: d}}\n", rows={"t": rows})
        assert [each.line for each in findings if each.code == "token-collisions"] == [7] * warned

    def test_a_list_of_all_tokens_can_be_made(self):
        text = "version: 1\nkeys: {k: env:A}\ndomains: {d: {scheme: fpe, digits: DIGITS}}\n"
        text += "tables: {t: {columns: {x: {method: token, domain: d}}}}\n"
        small = {each.code for each in found(text.replace("DIGITS", "6"))}
        assert "small-token-space" in small
        assert "small-token-space" not in {each.code for each in found(text.replace("DIGITS", "8"))}


class TestReversible:
    """Each column says who can get its values back, and how."""

    @pytest.mark.parametrize(
        ("rule", "code", "how"),
        [
            ("{method: token, domain: fast}", "cmac-invertible", "inverting AES, if they have up to 16 bytes"),
            ("{method: token, domain: back}", "reversible-by-key-holder", "decrypting"),
            ("{method: noise, scale: 5, min: 0, max: 9}", "reversible-by-key-holder", "computing the noise"),
            ("{method: shift_date, days: 3}", "reversible-by-key-holder", "how far each entity's dates"),
        ],
    )
    def test_by_the_holder_of_a_key(self, rule, code, how):
        (finding,) = [each for each in found(f"{HEAD}    columns:\n      x: {rule}\n") if each.code == code]
        assert finding.severity is Severity.WARNING
        assert "whoever holds the key 'people' can get values back" in finding.message
        assert how in finding.message

    @pytest.mark.parametrize("rule", ["drop", "redact", "{method: token, domain: one_way}", "keep"])
    def test_by_nobody_or_everybody_says_nothing_here(self, rule):
        findings = found(f"{HEAD}    columns:\n      x: {rule}\n")
        assert not {each.code for each in findings} & {"cmac-invertible", "reversible-by-key-holder"}


class TestDisclosure:
    """What still shows is said."""

    @pytest.mark.parametrize(
        ("column", "kept"),
        [
            pytest.param("email: keep", True, id="an address"),
            pytest.param("'*_phone': keep", True, id="a pattern of names"),
            pytest.param("contacts[].email: keep", True, id="a nested column"),
            pytest.param("email: redact", False, id="an address that is redacted"),
            pytest.param("email: shuffle", True, id="addresses that are given to other rows"),
            pytest.param("email_verified: keep", False, id="a name that is only about addresses"),
            pytest.param("country: keep", False, id="no direct identifier"),
        ],
    )
    def test_a_direct_identifier_that_stays(self, column, kept):
        assert bool(of_columns([column], "direct-identifier-kept")) == kept

    def test_a_type_that_is_no_identifier(self):
        assert of_columns(["phone: keep"], "direct-identifier-kept", types={"phone": pa.bool_()}) == []
        assert of_columns(["phone: keep"], "direct-identifier-kept", types={"phone": pa.string()}) == ["phone"]

    def test_a_case_that_keeps_is_enough(self):
        columns = ["email: [{when: {country: DE}, method: redact}, keep]"]
        assert of_columns(columns, "direct-identifier-kept") == ["email"]

    def test_columns_that_come_later(self):
        findings = found("version: 1\nunlisted: keep\ntables: {t: {columns: {a: drop}}}\n")
        assert [(each.code, each.line) for each in findings] == [("unlisted-kept", 2)]

    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            pytest.param('"*": keep', [(11, "*")], id="everything"),
            pytest.param('"*": [{when: {b: x}, method: redact}, keep]', [(11, "*")], id="everything, for some rows"),
            pytest.param('"*": redact', [], id="everything, and masked"),
            pytest.param('"*_flag": keep', [], id="what is called so"),
        ],
    )
    def test_columns_that_come_later_and_fit_a_pattern(self, column, expected):
        findings = found(HEAD + f"    columns:\n      {column}\n      b: drop\n")
        assert [(each.line, each.column) for each in findings if each.code == "unlisted-kept"] == expected

    def test_one_known_date_and_plain_noise(self):
        findings = found(
            HEAD + "    columns:\n      at: {method: shift_date, days: 3}\n"
            "      pay: {method: noise, scale: 5, min: 0, max: 9}\n"
        )
        assert "local-dp" not in {each.code for each in findings}
        notes = {each.code: each.column for each in findings if each.severity is Severity.NOTE}
        assert notes["known-date-reveals-shift"] == "at"
        assert notes["noise-is-not-dp"] == "pay"

    def test_what_a_cell_spends_of_an_epsilon(self):
        columns = "    columns:\n      pay: {method: noise, kind: geometric, epsilon: 0.5, min: 0, max: 9}\n"
        (finding,) = [each for each in found(HEAD + columns) if each.code in ("local-dp", "noise-is-not-dp")]
        assert finding.code == "local-dp"
        assert "an epsilon of 0.5" in finding.message

    @pytest.mark.parametrize(
        ("bounds", "missing"), [("", "no `min:` and no `max:`"), (", min: 0", "no `max:`"), (", min: 0, max: 9", "")]
    )
    def test_noise_without_bounds(self, bounds, missing):
        findings = found(f"{HEAD}    columns:\n      pay: {{method: noise, scale: 5{bounds}}}\n")
        messages = [each.message for each in findings if each.code == "noise-without-bounds"]
        assert bool(messages) == bool(missing)
        assert all(missing in message for message in messages)

    @pytest.mark.parametrize(
        ("options", "kind", "warns"),
        [
            pytest.param("scale: 0.2", None, False, id="of a type that is not known"),
            pytest.param("scale: 0.2", pa.int64(), True, id="whole numbers, and noise of less than a half"),
            pytest.param("scale: 2", pa.int64(), False, id="whole numbers, and noise of more"),
            pytest.param("scale: 0.2", pa.float64(), False, id="doubles, which have room for it"),
            pytest.param("scale: 0.02", pa.decimal128(9, 1), True, id="decimals of too few places"),
            pytest.param("scale: 0.02", pa.decimal128(9, 2), False, id="decimals of enough"),
            pytest.param("scale: 40, round_to: 100", None, True, id="results that are rounded"),
            pytest.param("kind: multiplicative, scale: 0.1", pa.int64(), False, id="a part of a number of any size"),
        ],
    )
    def test_noise_that_is_rounded_away(self, options, kind, warns):
        types = {} if kind is None else {"pay": kind}
        findings = found(f"{HEAD}    columns:\n      pay: {{method: noise, {options}}}\n", types)
        assert ("noise-rounded-away" in {each.code for each in findings}) is warns

    def test_the_length_of_a_value(self):
        columns = ["phone: {method: mask, keep_last: 2}", "ref: {method: token, domain: back}", "x: drop"]
        columns += ["card: {method: mask, length: 8}"]
        assert of_columns(columns, "length-shows") == ["phone", "ref"]


class TestLinking:
    """Columns that belong together stay so, and those for different people do not."""

    TWO = """\
version: 1
keys: {people: env:A}
domains: {customer: {scheme: hmac}, client: {scheme: hmac}}
tables:
  customers:
    entity: customer_id
    columns:
      customer_id: {method: token, domain: customer}
      at: {method: shift_date, days: 180}
  orders:
    entity: customer_id
    columns:
      customer_id: {method: token, domain: DOMAIN}
      at: {method: shift_date, days: DAYS}
"""

    @pytest.mark.parametrize(
        ("domain", "days", "expected"),
        [
            pytest.param("customer", 180, [], id="what fits"),
            pytest.param("client", 180, [("joins-break", 13)], id="another domain"),
            pytest.param("customer", 90, [("intervals-break", 14)], id="another shift"),
        ],
    )
    def test_two_tables(self, domain, days, expected):
        findings = found(self.TWO.replace("DOMAIN", domain).replace("DAYS", str(days)))
        assert [(each.code, each.line) for each in findings if each.code.endswith("-break")] == expected

    def test_a_domain_for_everybody_beside_one_for_a_partner(self):
        text = HEAD.replace("{scheme: cmac}", "{scheme: cmac, scope: partner}")
        text += "    columns:\n      a: {method: token, domain: one_way}\n      b: {method: token, domain: fast}\n"
        assert [each.column for each in found(text) if each.code == "unscoped-domain"] == ["a"]

    def test_what_no_column_uses(self):
        findings = found(
            "version: 1\nkeys: {a: env:A}\ndomains: {d: {scheme: hmac}}\ntables: {t: {columns: {x: drop}}}\n"
        )
        assert [(each.code, each.line, each.severity) for each in findings] == [
            ("unused-key", 2, "note"),
            ("unused-domain", 3, "note"),
        ]

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            pytest.param("env:A", None, id="a variable"),
            pytest.param("prefect-secret:a", None, id="a source of a host that is not installed"),
            pytest.param("flie:a", "of a source that is not known here. Did you mean 'file'?", id="a slip"),
            pytest.param("safe:a", "not known here. Known are: aws-kms, env, file, vault-transit.", id="a stranger"),
        ],
    )
    def test_a_key_of_no_known_source(self, reference, said):
        findings = found(f'version: 1\nkeys: {{a: "{reference}"}}\ntables: {{t: {{columns: {{x: drop}}}}}}\n')
        told = [(each.line, each.message) for each in findings if each.code == "unknown-key-source"]
        assert (not told) if said is None else (told[0][0] == 2 and told[0][1].endswith(said))


class TestFinding:
    """A finding says where, what, what would be right, and its code."""

    def test_nothing_to_say_is_no_finding(self):
        assert found("version: 1\ntables: {t: {columns: {x: drop}}}\n") == ()

    @pytest.mark.parametrize(
        ("finding", "said"),
        [
            (Finding("a-b", Severity.NOTE, "It is so."), "f.yaml: note: It is so. (a-b)"),
            (
                Finding("a-b", Severity.WARNING, "it is so.", "Or not.", "t", "email", 7),
                'f.yaml:7, column "email": warning: it is so. Or not. (a-b)',
            ),
            (Finding("a-b", Severity.ERROR, "it is.", table="t", line=3), 'f.yaml:3, table "t": error: it is. (a-b)'),
            (Finding("a-b", Severity.ERROR, "it is.", line=3, file="g.yaml"), "g.yaml:3: error: it is. (a-b)"),
        ],
    )
    def test_it_says_its_place(self, finding, said):
        assert finding.at("f.yaml") == said

    @pytest.mark.parametrize(
        ("message", "column", "said", "suggestion"),
        [
            (
                "column \"email\": no method is called 'redcat'. Did you mean 'redact'?",
                "email",
                "no method is called 'redcat'.",
                "Did you mean 'redact'?",
            ),
            ('column "a": b", when "c": it is empty.', "a", 'b", when "c": it is empty.', ""),
            ('column "x", days: at least 1 is expected here.', "x", "days: at least 1 is expected here.", ""),
            ("this is not YAML: expected the node content.", None, "this is not YAML: expected the node content.", ""),
            ("domain \"d\": 'scheme' is missing.", None, "domain \"d\": 'scheme' is missing.", ""),
        ],
    )
    def test_a_problem_of_the_reader_is_one(self, message, column, said, suggestion):
        finding = from_problem(Problem(message, 7))
        assert (finding.code, finding.severity, finding.line) == ("invalid-rules", "error", 7)
        assert (finding.column, finding.message, finding.suggestion) == (column, said, suggestion)

    @pytest.mark.parametrize(
        ("problem", "line", "said"),
        [
            ("column \"b\" (string): 'noise' takes integer. Choose another method.", 6, "'noise' takes integer."),
            (
                'column "b" has a rule, and the data has no such column.',
                6,
                "it has a rule, and the data has no such column.",
            ),
            ('column "z" (string) is not covered by any rule. Add a rule.', 4, "it is not covered by any rule."),
            ('check, unique: there is no column "c".', 8, 'check, unique: there is no column "c".'),
            ("column \"my_note\" (int64): 'scrub' takes string.", 7, "'scrub' takes string."),
            ('column "c`d" is there more than once. Rename one.', 4, "it is there more than once."),
            (
                "every column is dropped, so that nothing would be left. Keep one.",
                4,
                "every column is dropped, so that nothing would be left.",
            ),
        ],
    )
    def test_a_problem_of_the_plan_is_one(self, problem, line, said):
        text = "version: 1\ntables:\n  t:\n    columns:\n      a: drop\n      b: keep\n      '*_note': drop\n"
        text += "    check: {unique: [c]}\n"
        finding = from_plan_problem("t", problem, Lines.of(text, "f"), ["a", "b", "*_note"])
        assert (finding.code, finding.line, finding.message) == ("does-not-fit", line, said)

    def test_a_warning_that_somebody_allows_is_a_note(self):
        warning = Finding("a-b", Severity.WARNING, "So.")
        error = Finding("a-b", Severity.ERROR, "So.")
        assert [each.severity for each in allowed([warning, error], ["a-b"])] == ["note", "error"]
        assert allowed([warning], ["c"]) == (warning,)
