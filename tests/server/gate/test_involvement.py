"""Nobody involved decides; and nobody is kept out, or gets in, by what a caller says."""

from __future__ import annotations

import pytest

from maskgate.errors import HostUnreachable, NotAllowed
from maskgate.gate.involvement import Known, added_to, involve
from maskgate.gate.policy_reader import read_policy
from maskgate.gate.requirement import UNNAMED
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

RUN = airflow_run()
CHANGES = """
  - name: changes
    when: {action: [change-policy, register-rules]}
    require: {slots: {legal: 2}, distinct: 2}
otherwise"""


@pytest.fixture(scope="module")
def policy():
    return read_policy(POLICY, "policy.yaml")


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path)


def facts_of(world, **facts):
    world.host.add_run(RUN, **facts)
    return world.host.read_run(RUN)


class TestSources:
    """Each who is involved, with how the gate knows."""

    @pytest.mark.parametrize(
        ("facts", "known", "sources", "person"),
        [
            pytest.param(
                {"triggered_by": ("anna",), "owners": ("anna",)},
                Known(),
                {"anna": ("owns the workflow", "started the run")},
                "anna",
                id="one person twice",
            ),
            pytest.param(
                {"triggered_by": ("anna",), "cleared_by": ("bert",)},
                Known(),
                {"anna": ("started the run",), "bert": ("cleared tasks of the run",)},
                "anna",
                id="who cleared it did not ask",
            ),
            pytest.param(
                {"triggered_by": ("anna",)},
                Known(owner="cleo", on_behalf_of="dora"),
                {
                    "anna": ("started the run",),
                    "cleo": ("owns the token",),
                    "dora": ("the token acts on their behalf",),
                },
                "anna",
                id="token owner and on-behalf-of beside who started it",
            ),
            pytest.param(
                {},
                Known(owner="cleo", on_behalf_of="dora"),
                {"cleo": ("owns the token",), "dora": ("the token acts on their behalf",)},
                "dora",
                id="an agent asks for the person it acts for",
            ),
            pytest.param(
                {"triggered_by": ("anna",)},
                Known(authors=frozenset({"bert", "somebody who left"}), policy_authors=frozenset({"cleo"})),
                {
                    "anna": ("started the run",),
                    "bert": ("changed the code since the last release",),
                    "cleo": ("asked for the policy in force",),
                },
                "anna",
                id="authors, where the policy still has them",
            ),
        ],
    )
    def test_sources(self, world, facts, known, sources, person):
        policy = read_policy(POLICY, "policy.yaml")
        found = involve(policy, RUN, facts_of(world, **facts), known, ())
        assert (dict(found.sources), found.person, found.is_known) == (sources, person, True)

    def test_who_cleared_it_and_is_nobody_is_refused(self, world, policy):
        with pytest.raises(NotAllowed, match=r"was cleared by airflow:prod\|zoe, who is nobody in the policy"):
            involve(policy, RUN, facts_of(world, triggered_by=("anna",), cleared_by=("zoe",)), Known(), ())

    def test_authors_alone_make_nobody_known_to_ask(self, world, policy):
        found = involve(policy, RUN, facts_of(world), Known(authors=frozenset({"bert"})), ())
        assert (found.person, found.is_known, found.people) == (None, False, {"bert"})

    def test_a_token_of_a_person_who_left_is_refused(self, world, policy):
        with pytest.raises(NotAllowed, match="'zoe', who is nobody in the policy"):
            involve(policy, RUN, facts_of(world), Known(on_behalf_of="zoe"), ())

    def test_people_added_later_are_no_longer_only_named(self):
        kept = added_to({"sources": {"anna": ["started the run"]}, "named": ["bert", "cleo"]}, ["bert"], "cleared")
        assert kept == {"sources": {"anna": ["started the run"], "bert": ["cleared"]}, "named": ["cleo"]}


class TestDeciding:
    """What the sources come to at the door."""

    @pytest.mark.parametrize("facts", [{"cleared_by": ("bert",)}, {"owners": ("bert",)}], ids=["cleared", "owns"])
    def test_whoever_is_involved_cannot_sign_with_any_account(self, world, facts):
        world.host.add_run(RUN, triggered_by=("anna",), **facts)
        # Two of privacy would be needed, and one is involved: nobody could sign, but by a group claim.
        document = world.ask(run=RUN)
        assert "bert" in document["involved"]
        with pytest.raises(NotAllowed, match=r"bert .* is involved"):
            world.decide(document)
        assert world.read(document["id"])["state"] == "pending"

    def test_whoever_clears_the_run_while_it_waits_cannot_sign_any_more(self, world):
        staging, again = world.stage(), airflow_run(try_number=2)
        first = world.ask(staging=staging)
        world.host.add_run(again, triggered_by=("anna",), cleared_by=("bert",))
        second = world.ask(run=again, staging=staging)
        assert (second["id"], second["involved"]) == (first["id"], ["anna", "bert"])
        assert second["intent_digest"] == first["intent_digest"]
        (entry,) = world.entries("request.involved")
        assert (entry["added"], entry["because"]) == (["bert"], "cleared tasks of the run")
        with pytest.raises(NotAllowed, match=r"bert .* is involved"):
            world.decide(second)

    def test_an_approval_of_somebody_who_cleared_the_run_afterwards_does_not_count(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("require: {slots: {privacy: 1}}", "require: {slots: {legal: 2}}", 1))
        staging, again = world.stage(), airflow_run(try_number=2)
        first = world.ask(staging=staging)
        assert world.decide(first, "bert")["state"] == "pending"
        world.host.add_run(again, triggered_by=("anna",), cleared_by=("bert",))
        world.ask(run=again, staging=staging)
        after = world.decide(first, "cleo")
        assert (after["state"], after["requirement"]["missing"]) == ("pending", {"legal": 1})
        assert world.entries("grant.issued") == []

    def test_who_cleared_the_run_is_read_from_the_host_when_somebody_decides(self, world):
        document = world.ask(run=RUN)
        world.host.clear(RUN, "bert")
        with pytest.raises(NotAllowed, match=r"bert .* is involved"):
            world.decide(document)
        # It stays so, and another reviewer signs.
        assert world.read(document["id"])["involved"] == ["anna", "bert"]
        (entry,) = world.entries("request.involved")
        assert (entry["added"], entry["because"]) == (["bert"], "cleared tasks of the run")
        assert world.entries("grant.issued") == []

    def test_and_what_they_signed_before_does_not_count(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("require: {slots: {privacy: 1}}", "require: {slots: {legal: 2}}", 1))
        document = world.ask(run=RUN)
        assert world.decide(document, "bert")["state"] == "pending"
        world.host.clear(RUN, "bert")
        after = world.decide(document, "cleo")
        assert (after["state"], after["requirement"]["missing"]) == ("pending", {"legal": 1})

    def test_a_clear_of_which_the_host_does_not_say_whose_it_was_is_a_refusal(self, world):
        document = world.ask(run=RUN)
        world.host.clear(RUN, None)
        with pytest.raises(NotAllowed, match=r"were cleared since they ran, and airflow:prod does not say by whom"):
            world.decide(document)
        assert world.read(document["id"])["state"] == "pending"

    def test_and_asked_for_after_it_two_people_sign(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("people: [anna, bert]", "people: [anna, bert, cleo]"))
        world.host.add_run(RUN, triggered_by=("anna",), cleared_unseen=True)
        document = world.ask(run=RUN)
        assert world.decide(document, "bert")["state"] == "pending"
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_an_approval_waits_for_a_host_that_does_not_answer_and_a_denial_does_not(self, world):
        document = world.ask(run=RUN)
        world.host.is_reachable = False
        with pytest.raises(HostUnreachable):
            world.decide(document)
        assert world.read(document["id"])["state"] == "pending"
        assert world.decide(document, verdict="deny")["state"] == "denied"

    def test_who_asked_for_the_policy_in_force_is_involved_and_who_signed_it_is_not(self, tmp_path):
        world = GateWorld(
            tmp_path, POLICY.replace("otherwise", CHANGES.lstrip("\n").replace("otherwise", "") + "otherwise")
        )
        world.policy = world.policy.replace("min_length: 10", "min_length: 11")
        world.start()
        (change,) = [each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy"]
        world.decide(change, "bert")
        assert world.decide(change, "cleo")["state"] == "released"
        document = world.ask()
        # It came as a file, whose author is not known; those who looked at it may sign what comes of it.
        assert document["involved"] == ["anna"]
        assert world.decide(document)["state"] == "approved"


class TestNamedByTheCaller:
    """A name alone keeps nobody out; and nobody signs alone for what they are named in."""

    def test_a_reviewer_who_is_named_can_still_deny(self, world):
        document = world.ask(requesters=("bert",))
        assert (document["involved"], document["involvement"]["named"]) == (["anna"], ["bert"])
        assert world.decide(document, "bert", "deny")["state"] == "denied"

    def test_and_sign_but_not_alone(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("people: [anna, bert]", "people: [anna, bert, cleo]"))
        document = world.ask(requesters=("bert",))
        after = world.decide(document, "bert")
        assert (after["state"], after["requirement"]["missing"]) == ("pending", {UNNAMED: 1})
        assert world.entries("grant.issued") == []
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_the_others_need_no_more_than_before(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("people: [anna, bert]", "people: [anna, bert, cleo]"))
        assert world.decide(world.ask(requesters=("bert",)), "cleo")["state"] == "approved"

    def test_when_all_reviewers_are_named_nobody_is_asked(self, tmp_path):
        policy = POLICY.replace("people: [anna, bert], group: privacy-team", "people: [anna, bert]")
        world = GateWorld(tmp_path, policy)
        with pytest.raises(Exception, match="too few beside those involved"):
            world.ask(requesters=("bert",))
        assert world.entries("request.created") == []

    def test_who_is_named_and_known_is_involved_all_the_same(self, world):
        document = world.ask(requesters=("anna",))
        assert (document["involved"], document["involvement"]["named"]) == (["anna"], [])
