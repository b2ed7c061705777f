"""The question is constant, the gate's own, and harmless whatever names it shows."""

from __future__ import annotations

import pytest

from maskgate.gate.host import HostAnswer
from maskgate.gate.intent import context_digest_of
from maskgate.gate.markdown import escaped, visible
from maskgate.gate.question import difference, render_question

CONTEXT = {
    "request": "req_1",
    "action": "export",
    "subject": None,
    "resource": None,
    "call": None,
    "destination": {"id": "partner", "uri": "/srv/partner", "trust": "external", "mode": "new_version"},
    "why": "",
    "requester": {"person": "anna", "account": "airflow:prod|anna"},
    "involved": ["anna"],
    "host": None,
    "changes": [],
    "earlier": [],
    "tables": [
        {
            "name": "customers",
            "rows": 50_000,
            "columns": [{"name": "email", "type": "string", "done": "token", "classes": ["email"]}],
            "notes": ["the smallest group that shares year has 7 rows"],
        }
    ],
    "policy": {
        "name": "external export",
        "because": ["rows at least 5: holds, found 1,000"],
        "requirement": {"slots": {"privacy": 1}, "distinct": 1},
        "channels": ["airflow"],
        "reason_min_length": 10,
    },
    "expires_at": "2026-11-25T12:00:00.000Z",
    "url": "http://127.0.0.1:8470/requests/req_1",
}


def body(**changes):
    context = {**CONTEXT, **changes}
    return render_question(context, context_digest_of(context))["body"]


class TestVisible:
    """Characters that do not show as themselves do not get through."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            pytest.param("", "", id="nothing"),
            pytest.param("a\u202eb\u2066c\u200bd\u00ade\ufefff", "abcdef", id="direction and width"),
            pytest.param("a\x00b\x1b[31mc\x7f", "ab[31mc", id="controls"),
            pytest.param("a\n\n  b\tc\u2028d\u2029e", "a b c d e", id="lines become spaces"),
            pytest.param("a\ud800b\ue000c", "abc", id="no characters"),
            pytest.param("x" * 50, "x" * 39 + "…", id="too long"),
            pytest.param("Zoë 李 🙂", "Zoë 李 🙂", id="people's names"),
        ],
    )
    def test_visible(self, text, shown):
        assert visible(text, 40) == shown


class TestEscaped:
    """Markdown, HTML and templates see text."""

    @pytest.mark.parametrize(
        "text",
        [
            "# h",
            "<img src=x>",
            "[a](b)",
            "a|b",
            "{{ x }}",
            "{% x %}",
            "`c`",
            "*b*",
            "www.x.y",
            "a@b.c",
            "&lt;",
            "1. x",
            "\\",
        ],
    )
    def test_no_punctuation_stays_bare(self, text):
        shown = escaped(text)
        for at, letter in enumerate(shown):
            if not letter.isalnum() and letter not in " \\":
                assert shown[at - 1] == "\\"


class TestBody:
    """Who, what, where with trust on top; names and counts; no more."""

    def test_what_is_on_top(self):
        lines = body().splitlines()
        assert lines[2] == "| **What** | export |"
        assert lines[3] == r"| **Where** | partner, trust **external**, \/srv\/partner |"
        assert "| **Who asks** | anna |" in lines

    def test_rows_and_methods_are_shown(self):
        assert "**customers**: 50,000 rows, counted by the gate" in body()
        assert "| email | string | token | email |" in body()

    def test_a_hostile_column_name_stays_in_its_cell(self):
        table = {
            "name": "t|\n# x",
            "rows": 1,
            "columns": [{"name": "a|b\n|c", "type": "s", "done": "keep", "classes": []}],
            "notes": ["new columns a|b\n- c"],
        }
        shown = body(tables=[table])
        assert r"| a\|b \|c | s | keep |  |" in shown
        assert "\n# x" not in shown

    def test_why_the_policy_counts(self):
        assert r"- It counts because rows at least 5\: holds\, found 1\,000" in body().splitlines()

    def test_many_columns_are_counted(self):
        column = {"name": "c", "type": "s", "done": "keep", "classes": []}
        shown = body(tables=[{"name": "t", "rows": 1, "columns": [column] * 320, "notes": []}])
        assert "… and 20 more columns" in shown

    def test_nobody_known_is_said(self):
        assert "nobody known; two people have to sign" in body(requester={"person": None, "account": None})

    def test_its_digest_stands_at_the_end_and_it_is_constant(self):
        assert body() == body()
        assert body().splitlines()[-1] == f"`req_1` · `{context_digest_of(CONTEXT)}`"

    def test_the_reason_field_cannot_fail_in_the_host(self):
        field = render_question(CONTEXT, "sha256:0")["params"]["reason"]
        assert field["value"] is None
        assert "null" in field["schema"]["type"]
        assert "minLength" not in field["schema"]
        assert "At least 10 characters" in field["description"]


class TestDifference:
    """The host's record is the gate's question, or it is not."""

    def test_none(self):
        question = render_question(CONTEXT, "sha256:0")
        answer = HostAnswer(question["subject"], question["body"], tuple(question["options"]), question["params"])
        assert difference(question, answer) is None

    def test_all_that_differs_is_named(self):
        answer = HostAnswer("x", "y", ("z",), {}, ("z",), multiple=True)
        assert (
            difference(render_question(CONTEXT, "sha256:0"), answer) == "heading, text, buttons, form, default, choice"
        )
