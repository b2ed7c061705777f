"""When a version of rules is looser than another: whenever it cannot be shown that it is not."""

from __future__ import annotations

import pytest

from maskgate.gate.loosening import loosened, table_loosened
from maskgate.rules import load_rules

HEAD = "version: 1\nkeys: {one: env:KEY_ONE, two: env:KEY_TWO}\n"
DOMAINS = (
    "domains:\n  plain: {scheme: cmac, key: one}\n  strong: {scheme: hmac, key: one}\n"
    "  email: {scheme: hmac, key: one, prefix: em_}\n"
)


def rules_of(column, *, unlisted="fail", more="", check="", head=HEAD, domains=DOMAINS):
    column = f"      c: {column}\n" if column else ""
    return load_rules(
        f"{head}{domains}unlisted: {unlisted}\ntables:\n  t:\n{check}    columns:\n      id: keep\n{column}{more}"
    )


class TestColumns:
    """Only the same, the emptier, anything for keep, and less of the same method are no looser."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param("keep", "keep", id="the same"),
            pytest.param("keep", "drop", id="dropped"),
            pytest.param("keep", "{method: mask, keep_last: 4}", id="anything for keep"),
            pytest.param("{method: token, domain: email}", "nullify", id="a token emptied"),
            pytest.param("{method: token, domain: email}", '{method: redact, with: "***"}', id="a token redacted"),
            pytest.param('{method: redact, with: "***"}', "nullify", id="a constant emptied"),
            pytest.param("nullify", "drop", id="nulls dropped"),
            pytest.param("{method: mask, keep_last: 4}", "{method: mask, keep_last: 2}", id="less shown"),
            pytest.param("{method: generalize, keep_first: 3}", "{method: generalize, keep_first: 2}", id="shorter"),
            pytest.param("{method: generalize, to: month}", "{method: generalize, to: year}", id="a longer period"),
            pytest.param("{method: truncate, length: 9}", "{method: truncate, length: 5}", id="cut earlier"),
            pytest.param(
                '[{when: {id: "1"}, method: keep}, {method: mask, keep_last: 4}]',
                '[{when: {id: "1"}, method: drop}, {method: mask, keep_last: 1}]'.replace("drop", "nullify"),
                id="each case of the same conditions",
            ),
        ],
    )
    def test_no_looser(self, before, after):
        assert loosened(rules_of(before), rules_of(after)) == ()

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param("drop", "keep", id="kept"),
            pytest.param("drop", "nullify", id="there again, as nulls"),
            pytest.param("nullify", '{method: redact, with: "***"}', id="a constant for nulls"),
            pytest.param("{method: token, domain: email}", "{method: mask, keep_last: 4}", id="another method"),
            pytest.param(
                "{method: mask, keep_last: 4}", "{method: token, domain: email}", id="the other way round too"
            ),
            pytest.param("{method: token, domain: email}", "{method: token, domain: plain}", id="another domain"),
            pytest.param("{method: mask, keep_last: 2}", "{method: mask, keep_last: 4}", id="more shown"),
            pytest.param("{method: mask, keep_last: 2}", "{method: mask, keep_first: 2}", id="another end shown"),
            pytest.param("{method: generalize, to: year}", "{method: generalize, to: month}", id="a shorter period"),
            pytest.param("{method: generalize, to: month}", "{method: generalize, to: week}", id="weeks have no order"),
            pytest.param('{method: mask, char: "*"}', '{method: mask, char: "x"}', id="an option without an order"),
            pytest.param("keep", "acme.secret_method", id="a method of a plugin"),
            pytest.param(
                '[{when: {id: "1"}, method: keep}, {method: nullify}]',
                '[{when: {id: "2"}, method: keep}, {method: nullify}]',
                id="the same cases under other conditions",
            ),
            pytest.param(
                '[{when: {id: "1"}, method: keep}, {method: nullify}]',
                "keep",
                id="the weakest case for all",
            ),
        ],
    )
    def test_looser(self, before, after):
        before, after = rules_of(before), load_rules(rules_text(after), plugins=False)
        (said,) = loosened(before, after)
        assert said.startswith("t.c: ")
        assert table_loosened(before, after, "t") == (said,)


def rules_text(column):
    return f"{HEAD}{DOMAINS}tables:\n  t:\n    columns:\n      id: keep\n      c: {column}\n"


class TestWhole:
    """What stands around the columns counts too."""

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            pytest.param({}, {"more": "      d: keep\n"}, "t.d: keep; it had no rule", id="another column"),
            pytest.param({}, {"more": "      d: drop\n"}, None, id="another one dropped"),
            pytest.param(
                {"unlisted": "keep"},
                {"unlisted": "keep", "more": "      d: {method: mask}\n"},
                None,
                id="one that left anyway",
            ),
            pytest.param({"more": "      d: drop\n"}, {}, None, id="a rule less, where what has none is refused"),
            pytest.param(
                {"more": "      d: drop\n", "unlisted": "keep"},
                {"unlisted": "keep"},
                "t.d: has no rule any more",
                id="a rule less, where it then leaves",
            ),
            pytest.param(
                {}, {"unlisted": "keep"}, "columns without a rule: `keep` instead of `fail`", id="unlisted ones kept"
            ),
            pytest.param({"unlisted": "keep"}, {"unlisted": "drop"}, None, id="unlisted ones dropped"),
            pytest.param({}, {"more": '      "d_*": drop\n'}, "t.new patterns of columns: d_*", id="a pattern"),
            pytest.param(
                {"check": "    check: {unique: [id]}\n"},
                {},
                "t.check, unique: id is not checked any more",
                id="a check less",
            ),
            pytest.param({}, {"check": "    check: {unique: [id]}\n"}, None, id="a check more"),
            pytest.param({"check": "    entity: id\n"}, {}, "t.entity: None instead of id", id="no entity any more"),
        ],
    )
    def test_around(self, before, after, words):
        said = loosened(rules_of("drop", **before), rules_of("drop", **after))
        assert said == (() if words is None else (words,))

    def test_another_table(self):
        more = load_rules(rules_text("drop") + "  u:\n    columns:\n      id: drop\n")
        assert loosened(load_rules(rules_text("drop")), more) == ('table "u" is new',)
        assert loosened(more, load_rules(rules_text("drop"))) == ()

    def test_another_key(self):
        before = rules_of("{method: token, domain: email}")
        other = rules_of("{method: token, domain: email}", head=HEAD.replace("env:KEY_ONE", "env:KEY_OF_MINE"))
        (said,) = loosened(before, other)
        assert said.startswith("t.c: token")

    def test_a_scheme_that_nobody_inverts(self):
        before, after = (
            rules_of("{method: token, domain: d}", domains=f"domains: {{d: {{scheme: {scheme}, key: one}}}}\n")
            for scheme in ("cmac", "hmac")
        )
        assert loosened(before, after) == ()
        assert len(loosened(after, before)) == 1
