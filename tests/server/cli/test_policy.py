"""``maskgate policy``: a file is looked over, and a choice explained, without a gate."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from maskgate.cli.main import run
from maskgate.gate.action_facts import ActionFacts

POLICIES = Path(__file__).parents[1] / "gate" / "policies"
FULL = str(POLICIES / "accepted" / "every_matcher.yaml")
WRONG = str(POLICIES / "refused" / "same_condition_twice.yaml")
GUIDE = Path(__file__).parents[3] / "docs" / "policy.md"
FACTS = {"action": "export", "destination": "partner-eu", "trust": "external", "rows": 150000, "level": "release"}


@pytest.fixture
def said(capsys):
    def call(*arguments):
        code = run(["policy", *map(str, arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


class TestCheck:
    """0 for a policy that the gate takes, 2 with every problem for another."""

    def test_a_good_one(self, said):
        code, out, _ = said("check", FULL)
        assert code == 0
        assert f"{FULL}: warning: no policy is about change-policy" in out
        assert out.splitlines()[-1].startswith(f"{FULL}: 0 errors, ")

    def test_a_wrong_one(self, said):
        code, out, _ = said("check", WRONG)
        assert code == 2
        assert out.startswith(f'{WRONG}:9: error: policy "second" is never reached')
        assert out.endswith("1 error, 0 warnings\n")

    def test_as_json(self, said):
        code, out, _ = said("check", WRONG, "--json")
        told = json.loads(out)
        assert (code, told["ok"], told["digest"], told["policies"]) == (2, False, None, [])
        assert [problem["line"] for problem in told["problems"]] == [9]
        good = json.loads(said("check", FULL, "--json")[1])
        assert (good["ok"], good["problems"]) == (True, [])
        assert good["policies"] == ["at night", "a lot", "known cities", "other exports", "keys"]
        assert good["digest"].startswith("sha256:")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            pytest.param(None, "cannot be read: No such file", id="no file"),
            pytest.param(b"\xff\xfe", "it is not text in UTF-8", id="no text"),
        ],
    )
    def test_a_file_that_cannot_be_read(self, said, tmp_path, content, words):
        if content is not None:
            (tmp_path / "policy.yaml").write_bytes(content)
        code, out, error = said("check", tmp_path / "policy.yaml")
        assert (code, out) == (2, "")
        assert words in error


class TestExplain:
    """Which policy matched and why, and for each above it what failed."""

    @pytest.fixture
    def facts(self, tmp_path):
        def write(**changes):
            (tmp_path / "facts.json").write_text(json.dumps(FACTS | changes))
            return tmp_path / "facts.json"

        return write

    def test_in_words(self, said, facts):
        path = facts(moment="2026-11-27T12:00:00Z", person="anna", workflow="airflow:prod|x")
        code, out, _ = said("explain", "--facts", path, "--policy", FULL)
        assert code == 0
        lines = out.splitlines()
        assert lines[0] == 'an action export: policy "a lot" counts'
        assert "  because rows at least 100,000: holds, found 150,000" in lines
        assert 'policy "at night": does not match' in lines
        assert any("does not hold, found fri 13:00" in line for line in lines)

    def test_as_json(self, said, facts):
        path = facts(action="publish", moment="2026-11-27T12:00:00Z")
        told = json.loads(said("explain", "--facts", path, "--policy", FULL, "--json")[1])
        assert told["policy"]["name"] is None
        assert [each["matches"] for each in told["considered"]] == ["no"] * 5
        assert told["facts"]["rows"] == 150000

    def test_no_policy_in_words(self, said, facts):
        out = said("explain", "--facts", facts(action="publish", moment="2026-11-27T12:00:00Z"), "--policy", FULL)[1]
        assert out.startswith("an action publish: no policy permits it, so it is refused")

    @pytest.mark.parametrize(
        "arguments",
        [
            pytest.param((), id="nothing"),
            pytest.param(("req_1", "--facts", "f", "--policy", "p"), id="both"),
            pytest.param(("--facts", "f"), id="facts without a policy"),
            pytest.param(("req_1", "--policy", "p"), id="a request with a policy"),
        ],
    )
    def test_it_takes_one_or_the_other(self, said, arguments):
        code, _, error = said("explain", *arguments)
        assert code == 2
        assert "Give REQUEST, or both --facts and --policy." in error

    def test_facts_that_are_none(self, said, tmp_path):
        (tmp_path / "facts.json").write_text("{")
        code, _, error = said("explain", "--facts", tmp_path / "facts.json", "--policy", FULL)
        assert (code, "this is no JSON" in error) == (2, True)

    @pytest.mark.parametrize(
        ("written", "instead"),
        [
            ({"destination": {"id": "partner-eu", "trust": "external"}}, 'its "trust" stands beside it'),
            ({"requester": "anna"}, "Write `person`"),
            ({"time": "2026-11-27T12:00:00Z"}, "Write `moment`"),
        ],
    )
    def test_facts_in_the_words_of_conditions_are_told_theirs(self, said, facts, written, instead):
        code, _, error = said("explain", "--facts", facts(**written), "--policy", FULL)
        assert (code, instead in error) == (2, True), error

    def test_the_guide_shows_every_fact(self, said, tmp_path):
        (shown,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
        assert json.loads(shown).keys() == {each.name for each in fields(ActionFacts)} - {"resource"}
        (tmp_path / "facts.json").write_text(shown)
        assert said("explain", "--facts", tmp_path / "facts.json", "--policy", FULL)[0] == 0
