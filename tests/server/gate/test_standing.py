"""Signed once for exports of one kind: each use for its own bytes, and whatever is worse asks again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maskgate.errors import Conflict, NotAllowed, NotFound
from maskgate.gate.model import Identity
from maskgate.gate.request import get_request
from maskgate.gate.standing_intent import what_is_worse
from maskgate.ledger import verify
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

STANDING = "standing: {days: 30, uses: 2}"


def with_terms(terms, *, slots="{privacy: 1}", more=""):
    wanted = f"require: {{slots: {slots}}}\n    {terms}"
    people = POLICY.replace("privacy: {people: [anna, bert]", "privacy: {people: [anna, bert, cleo]")
    return people.replace("require: {slots: {privacy: 1}}", wanted, 1).replace("otherwise", more + "otherwise")


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path, with_terms(STANDING))


def sign(world, person="bert", **more):
    """Sign one export and later ones like it."""
    document = world.ask(run=airflow_run("first"), **more)
    done = world.decide(document, person, standing=document["standing_offer"]["digest"])
    assert done["state"] == "approved"
    return done


def later(world, number=2, **more):
    return world.ask(run=airflow_run(f"run {number}"), **more)


def live(world):
    return [each for each in world.gate.standing_approvals(world.auditor) if each["state"] == "live"]


class TestUse:
    """Each use is counted, recorded and granted for its own bytes."""

    def test_a_later_export_of_the_kind_asks_nobody(self, world):
        signed = sign(world)
        document = later(world)
        assert (document["state"], document["decisions"]) == ("approved", [])
        assert document["standing"]["signers"] == ["bert"]
        assert document["intent_digest"] != signed["intent_digest"]
        (used,) = world.entries("standing.used")
        (decision,) = world.entries("decision.approve")
        grants = world.entries("grant.issued")
        assert [grant["decisions"] for grant in grants] == [[decision["decision"]]] * 2
        assert len({grant["intent_digest"] for grant in grants}) == 2
        assert (used["request"], used["left"]) == (document["id"], 1)
        assert world.release(document, airflow_run("run 2", task_id="release"))["state"] == "released"
        with world.store.read() as work:
            assert verify(work).problems == ()

    def test_only_as_often_as_signed(self, world):
        sign(world)
        assert [later(world, number)["state"] for number in (2, 3, 4)] == ["approved", "approved", "pending"]
        (left,) = world.gate.standing_approvals(world.auditor)
        assert (left["state"], left["uses_left"]) == ("used up", 0)

    def test_only_as_long_as_signed(self, world):
        sign(world)
        world.clock.forward(days=30)
        assert later(world)["state"] == "pending"

    def test_a_use_that_is_not_released_is_used_all_the_same(self, world):
        sign(world)
        world.gate.withdraw(world.pipeline, later(world, 2)["id"])
        world.gate.withdraw(world.pipeline, later(world, 3)["id"])
        assert later(world, 4)["state"] == "pending"

    def test_a_signature_for_one_export_is_for_one(self, world):
        world.decide(world.ask(run=airflow_run("first")))
        assert live(world) == []
        assert later(world)["state"] == "pending"


class TestWorse:
    """Anything else, or worse, asks again, and the ledger says why."""

    def test_more_rows(self, world):
        sign(world)
        assert later(world, staging=world.stage(5))["state"] == "pending"
        (entry,) = world.entries("standing.not_used")
        assert "table customers has 5 rows, and 4 were signed" in entry["because"]
        assert (world.entries("standing.used"), live(world)[0]["uses_left"]) == ([], 2)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param({"residual_findings": 1}, "1 direct identifiers, and 0 were signed", id="a residual finding"),
            pytest.param({"shape_violations": 1}, "1 cells of another shape", id="a cell of another shape"),
            pytest.param(
                {"classes": ("us_ssn",)}, "looks like us_ssn now", id="a column that looks like something else"
            ),
        ],
    )
    def test_a_worse_figure(self, world, change, words):
        document = world.ask(run=airflow_run("first"))
        with world.store.read() as work:
            sealed = get_request(work, document["id"]).sealed
        intent = document["standing_offer"]["intent"]
        assert list(what_is_worse(intent, sealed)) == []
        table = sealed.tables[0]
        changed = replace(table, columns=(replace(table.columns[0], **change), *table.columns[1:]))
        found = list(what_is_worse(intent, replace(sealed, tables=(changed, *sealed.tables[1:]))))
        assert len(found) == 1
        assert words in found[0]

    def test_fewer_rows_and_a_little_more_are_not_worse(self, world):
        sign(world, staging=world.stage(20))
        assert later(world, 2, staging=world.stage(22))["state"] == "approved"
        assert later(world, 3, staging=world.stage(23))["state"] == "pending"

    def test_another_destination_is_another_kind(self, tmp_path):
        world = GateWorld(tmp_path, with_terms(STANDING).replace("trust: external", "trust: [external, public]", 1))
        sign(world)
        assert later(world, destination="site")["state"] == "pending"

    def test_another_workflow_is_another_kind(self, world):
        sign(world)
        run = replace(airflow_run("run 2"), dag_id="another")
        assert world.ask(run=run)["state"] == "pending"


class TestInvolved:
    """Nobody involved signs by a standing approval either."""

    def test_a_signer_who_starts_a_later_run_does_not_sign_it_by_it(self, world):
        sign(world)
        document = later(world, triggered_by=("bert",))
        assert document["state"] == "pending"
        assert world.entries("standing.not_used")[0]["because"] == ["bert signed it, and is involved here"]

    def test_a_run_that_nobody_is_known_to_have_asked_needs_two_signers(self, world):
        sign(world)
        document = later(world, triggered_by=())
        assert document["state"] == "pending"
        assert "does not suffice" in world.entries("standing.not_used")[0]["because"][0]


class TestSigning:
    """Everyone whose signature it takes has to want it, and signs what the gate offers."""

    def test_both_have_to_want_it(self, tmp_path):
        world = GateWorld(tmp_path, with_terms(STANDING, slots="{privacy: 1, legal: 1}"))
        document = world.ask()
        world.decide(document, "bert", standing=document["standing_offer"]["digest"])
        assert world.decide(document, "cleo")["state"] == "approved"
        assert live(world) == []

    @pytest.mark.parametrize(
        ("changes", "error", "words"),
        [
            pytest.param({"standing": "sha256:" + "0" * 64}, Conflict, "not what the gate offers", id="another"),
            pytest.param({"verdict": "deny"}, NotAllowed, "takes no signature", id="a denial"),
        ],
    )
    def test_is_refused(self, world, changes, error, words):
        document = world.ask()
        given = {"standing": document["standing_offer"]["digest"], **changes}
        with pytest.raises(error, match=words):
            world.decide(document, **given)
        assert world.read(document["id"])["decisions"] == []

    @pytest.mark.parametrize("terms", ["", "tier: high\n    channels: [web]"], ids=["no such policy", "highest tier"])
    def test_is_not_offered(self, tmp_path, terms):
        policy = with_terms(terms)
        if "tier" in terms:
            policy = policy.replace("    channels: [web, airflow]\n", "", 1)
        world = GateWorld(tmp_path, policy)
        document = world.ask()
        assert document["standing_offer"] is None
        with pytest.raises(NotAllowed, match="takes no signature"):
            world.decide(document, standing="sha256:" + "0" * 64)

    def test_what_is_signed_stands_in_the_decision(self, world):
        done = sign(world)
        (entry,) = world.entries("decision.approve")
        (made,) = world.entries("standing.made", request=done["id"])
        assert entry["standing"] == made["digest"]
        assert made["decisions"] == [entry["decision"]]


class TestEnd:
    """Any reviewer ends it, and so do a denial of the same data and another policy."""

    def test_a_reviewer_ends_it(self, world):
        sign(world)
        (standing,) = live(world)
        cleo = Identity(("okta|cleo",), "web", (), world.clock.now())
        assert world.gate.end_standing(cleo, standing["id"], "no longer needed")["state"] == "ended"
        (entry,) = world.entries("standing.ended")
        assert entry["because"] == "ended by cleo: no longer needed"
        assert later(world)["state"] == "pending"
        with pytest.raises(Conflict, match="ended already"):
            world.gate.end_standing(cleo, standing["id"], "")

    def test_others_cannot_and_learn_nothing(self, world):
        sign(world)
        dora = Identity(("okta|dora",), "web", (), world.clock.now())
        with pytest.raises(NotFound):
            world.gate.end_standing(dora, live(world)[0]["id"], "")
        assert world.gate.standing_approvals(replace(world.pipeline, role="person", token=None, identity=dora)) == []

    @pytest.mark.parametrize("role", ["pipeline", "operator", "releaser"])
    def test_no_token_but_an_auditors_reads_them(self, world, role):
        sign(world)
        caller = replace(world.pipeline, role=role)
        with pytest.raises(NotAllowed, match="for auditors and for people"):
            world.gate.standing_approvals(caller)
        with pytest.raises(NotAllowed, match="for auditors and for people"):
            world.gate.post_reviews(caller)

    def test_a_denial_of_the_same_data(self, world):
        sign(world)
        denied = world.decide(later(world, triggered_by=("bert",)), "anna", "deny")
        assert denied["state"] == "denied"
        assert world.entries("standing.ended")[0]["because"] == f"request {denied['id']} about the same data was denied"
        assert later(world, 3)["state"] == "pending"

    def test_another_policy(self, tmp_path):
        changes = (
            "  - name: changes\n    when: {action: change-policy}\n    require: {slots: {legal: 2}, distinct: 2}\n"
        )
        world = GateWorld(tmp_path, with_terms(STANDING, more=changes))
        sign(world)
        world.policy = world.policy.replace("min_length: 10", "min_length: 11")
        world.start()
        (change,) = [each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy"]
        world.decide(change, "bert")
        assert world.decide(change, "cleo")["state"] == "released"
        assert world.entries("standing.ended")[0]["because"] == "the policy changed"
        assert later(world)["state"] == "pending"
