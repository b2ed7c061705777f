"""Policy files: what is accepted, and what is refused with which words."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from maskgate.errors import PolicyError
from maskgate.gate.asked_facts import facts_when_asked
from maskgate.gate.model import Destination
from maskgate.gate.policy_reader import look_over_policy, read_policy

POLICIES = Path(__file__).parent / "policies"
PARTNER = Destination("partner", "/srv/partner", "external")


def named(path):
    return path.stem.replace("_", " ")


class TestFiles:
    """A file means what it says, or is refused as a whole."""

    @pytest.mark.parametrize("path", sorted((POLICIES / "accepted").glob("*.yaml")), ids=named)
    def test_accepted(self, path):
        assert read_policy(path.read_text(), path.name).digest.startswith("sha256:")

    @pytest.mark.parametrize("path", sorted((POLICIES / "refused").glob("*.yaml")), ids=named)
    def test_refused(self, path):
        with pytest.raises(PolicyError) as refused:
            read_policy(path.read_text(), path.name)
        assert path.with_suffix(".txt").read_text().strip() in str(refused.value)

    def test_every_problem_is_shown_at_once_in_order(self):
        with pytest.raises(PolicyError) as refused:
            read_policy("version: 3\npeople: {a: [x]}\npolicies: [{name: p}]\notherwise: allow\n", "p.yaml")
        lines = [problem.line for problem in refused.value.problems]
        assert len(lines) >= 5
        assert lines == sorted(lines)

    def test_what_the_sound_policies_come_to_is_shown_beside_the_problems_of_others(self):
        text = (POLICIES / "refused" / "same_condition_twice.yaml").read_text()
        broken = "  - {name: third, when: {action: x, rowz: {}}, require: {slots: {privacy: 1}}}\notherwise"
        with pytest.raises(PolicyError) as refused:
            read_policy(text.replace("otherwise", broken), "p.yaml")
        assert [problem.line for problem in refused.value.problems] == [9, 10]


class TestGuide:
    """What the guide shows is a policy that the gate takes."""

    def test_the_example_is_read(self):
        guide = (Path(__file__).parents[3] / "docs" / "policy.md").read_text()
        (block,) = re.findall(r"```yaml\n(policies:.*?)```", guide, re.DOTALL)
        people = 'people: {anna: ["okta|anna"], bert: ["okta|bert"], cleo: ["okta|cleo"]}\n'
        reviewers = "reviewers: {privacy: {people: [anna, bert]}, legal: {people: [anna, cleo]}}\n"
        policy = read_policy(f"version: 1\n{people}{reviewers}{block}", "policy.md")
        assert [rule.name for rule in policy.rules][-1] == "other exports"


class TestWarnings:
    """What somebody may not have meant is said, and the file is used."""

    def test_a_full_file_has_none_but_for_destinations(self):
        look = look_over_policy((POLICIES / "accepted" / "everything.yaml").read_text(), "p")
        assert [warning.message for warning in look.warnings] == [
            "no policy is about change-destinations, so nobody can ever sign one. Add one, or do without."
        ]

    def test_each(self):
        text = (POLICIES / "accepted" / "every_matcher.yaml").read_text()
        text = text.replace("floor: {direct_identifier: [drop, token]}\n", "").replace(
            "reviewers:", "reviewers:\n  legal: {people: [anna]}"
        )
        said = " ".join(warning.message for warning in look_over_policy(text, "p").warnings)
        assert "there is no `floor:`" in said
        assert "no policy is about register-rules" in said
        assert 'reviewers "legal": no policy asks for them' in said
        assert 'policy "known cities" limits each request, and many small ones come to more' in said
        assert 'policy "known cities" allows it to leave to external or public places' in said

    def test_a_file_with_problems_has_no_policy(self):
        look = look_over_policy("version: 2\n", "p")
        assert (look.policy, look.warnings) == (None, ())
        assert len(look.problems) == 3


class TestWhole:
    """What a full file comes to."""

    @pytest.fixture
    def policy(self):
        return read_policy((POLICIES / "accepted" / "everything.yaml").read_text(), "everything.yaml")

    def test_the_first_policy_that_matches_counts(self, policy):
        rule = policy.rule_for(facts_when_asked("export", destination=PARTNER))
        assert rule.name == "external export"
        assert (rule.requirement.slots, rule.requirement.distinct) == ({"privacy": 2, "owners": 1}, 4)
        assert (rule.channels, rule.reason_min_length, rule.expires) == (("web", "airflow"), 10, timedelta(days=7))
        assert (rule.thresholds.rows_at_least, rule.thresholds.rows_at_most) == (1, 1_000_000)

    @pytest.mark.parametrize(
        ("action", "destination"),
        [
            pytest.param("export", Destination("other", "/x", "external"), id="another destination"),
            pytest.param("export", Destination("partner", "/x", "internal"), id="its own trust by another policy"),
            pytest.param("detokenize", PARTNER, id="another action"),
            pytest.param("export", None, id="no destination"),
            pytest.param("change-policy", PARTNER, id="a destination that the action must not have"),
        ],
    )
    def test_what_no_policy_is_about_matches_none(self, policy, action, destination):
        rule = policy.rule_for(facts_when_asked(action, destination=destination))
        assert rule is None or rule.name != "external export"

    def test_actions_without_destination_match_policies_without(self, policy):
        assert policy.rule_for(facts_when_asked("change-policy")).name == "policy changes"

    def test_time_and_channels_have_safe_defaults(self):
        policy = read_policy((POLICIES / "accepted" / "one_policy.yaml").read_text(), "p")
        rule = policy.rule_for(facts_when_asked("export", destination=PARTNER))
        assert (rule.channels, rule.expires, rule.allow) == (("web",), timedelta(hours=24), False)

    def test_requesters_go_by_pattern(self, policy):
        assert policy.requesters_of("airflow:prod", "export_nightly") == {"data.owner"}
        assert policy.requesters_of("airflow:other", "export_nightly") == frozenset()
        assert policy.requesters_of("prefect:local", "anything") == {"privacy-lead", "data.owner"}

    def test_spelling_does_not_change_the_digest(self):
        text = (POLICIES / "accepted" / "one_policy.yaml").read_text()
        assert read_policy(f"# a comment\n{text}", "p").digest == read_policy(text, "p").digest
