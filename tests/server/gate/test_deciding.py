"""The only door: who may decide, through which channel, about what, and once."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta

import pytest

from maskgate.errors import Conflict, NotAllowed, NotFound, Refused, UsageError
from maskgate.gate.model import DecisionInput, Identity, RequestInput
from maskgate.testing.gate_world import POLICY, REASON, GateWorld
from maskgate.testing.host import airflow_run

OTHER = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """One gate with one pending request, which no refusal may change."""
    world = GateWorld(tmp_path_factory.mktemp("asked"))
    return world, world.ask()


def page(*accounts, groups=(), ago=timedelta(0), channel="web"):
    return lambda now: Identity(accounts, channel, groups, now - ago)


REFUSALS = [
    pytest.param(page("okta|anna"), {}, NotAllowed, "anna .* is involved", id="the requester by another account"),
    pytest.param(
        page("airflow:prod|anna", channel="airflow"), {}, NotAllowed, "is involved", id="the requester by the same one"
    ),
    pytest.param(page("okta|zoe"), {}, NotAllowed, "linked to nobody", id="an unlinked account"),
    pytest.param(page(), {}, NotAllowed, "linked to nobody", id="no account at all"),
    pytest.param(page("bert"), {}, NotAllowed, "linked to nobody", id="a bare name"),
    pytest.param(page("okta|bert", "okta|cleo"), {}, NotAllowed, "is one person", id="two people at once"),
    pytest.param(page("okta|cleo"), {}, NotAllowed, "not among the reviewers", id="a person who is no reviewer"),
    pytest.param(
        page("okta|dora", groups=("sales",)), {}, NotAllowed, "not among the reviewers", id="a member of another group"
    ),
    pytest.param(
        page("okta|dora", groups=("privacy-team",), ago=timedelta(hours=2)),
        {},
        NotAllowed,
        "have to log in again",
        id="a member by an old login",
    ),
    pytest.param(
        page("okta|bert", channel="slack"), {}, NotAllowed, "through slack", id="a channel that is not allowed"
    ),
    pytest.param(page("okta|bert"), {"reason": ""}, Refused, "at least 10 characters", id="no reason"),
    pytest.param(page("okta|bert"), {"reason": "ok"}, Refused, "this one has 2", id="a short reason"),
    pytest.param(page("okta|bert"), {"reason": " \n " * 9}, Refused, "this one has 0", id="a reason of spaces"),
    pytest.param(page("okta|bert"), {"reason": "x" * 2001}, Refused, "at most 2000", id="an endless reason"),
    pytest.param(page("okta|bert"), {"intent_digest": OTHER}, Conflict, "as it stands", id="another intent"),
    pytest.param(page("okta|bert"), {"context_digest": OTHER}, Conflict, "as it stands", id="another context"),
    pytest.param(page("okta|bert"), {"verdict": "maybe"}, UsageError, "approve", id="neither yes nor no"),
    pytest.param(page("okta|anna"), {"verdict": "deny"}, NotAllowed, "withdraw it", id="a denial by the requester"),
]


class TestRefusals:
    """Whoever may not decide is refused, told why, and recorded; the request stays as it was."""

    @pytest.mark.parametrize(("identity", "changes", "error", "words"), REFUSALS)
    def test_is_refused_and_recorded(self, asked, identity, changes, error, words):
        world, document = asked
        before = len(world.entries("decision.refused"))
        given = {"verdict": "approve", "reason": REASON} | changes
        with pytest.raises(error, match=words):
            world.decide(document, identity=identity(world.clock.now()), **given)
        after = world.read(document["id"])
        assert (after["state"], after["decisions"], after["receipt"]) == ("pending", [], None)
        assert after["refusals"][-1]["message"] in after["message"]
        entries = world.entries("decision.refused")
        assert len(entries) == before + 1
        assert entries[-1]["refusal"] == after["refusals"][-1]["message"]
        assert world.entries("grant.issued") == []

    def test_what_is_signed_did_not_change_by_it(self, asked):
        world, document = asked
        after = world.read(document["id"])
        for name in ("intent_digest", "context_digest", "question", "expires_at"):
            assert after[name] == document[name]

    def test_there_is_nothing_to_decide_about_nothing(self, asked):
        world, _ = asked
        with pytest.raises(NotFound):
            world.decide({"id": "req_none", "intent_digest": OTHER, "context_digest": OTHER})

    def test_hostile_text_in_a_decision_is_recorded_harmlessly(self, asked):
        world, document = asked
        identity = Identity(("okta|\ud800\u202ezoe",), "web", (), world.clock.now())
        with pytest.raises(NotAllowed):
            world.decide(document, identity=identity, reason="\ud800 a reason of sorts")
        assert world.entries("decision.refused")[-1]["accounts"] == ["okta|zoe"]


class TestApproval:
    """Enough signatures become one grant, in one transaction."""

    @pytest.fixture
    def world(self, tmp_path):
        return GateWorld(tmp_path)

    def test_one_of_one(self, world):
        done = world.decide(world.ask())
        assert done["state"] == "approved"
        assert [each["person"] for each in done["decisions"]] == ["bert"]
        (entry,) = world.entries("decision.approve")
        (grant,) = world.entries("grant.issued")
        assert grant["decisions"] == [entry["decision"]]
        assert (entry["person"], entry["account"], entry["reason"]) == ("bert", "okta|bert", REASON)

    def test_by_a_fresh_group_claim(self, world):
        identity = Identity(("okta|dora",), "web", ("privacy-team",), world.clock.now() - timedelta(minutes=59))
        assert world.decide(world.ask(), identity=identity)["state"] == "approved"

    def test_the_reason_is_counted_without_the_space_around_it(self, world):
        assert world.decide(world.ask(), reason="  ten  letters ")["state"] == "approved"

    def test_a_second_decision_comes_too_late(self, world):
        document = world.ask()
        world.decide(document, verdict="deny", reason="")
        with pytest.raises(Conflict, match="is denied"):
            world.decide(document)
        assert world.read(document["id"])["state"] == "denied"
        assert world.entries("grant.issued") == []

    def test_a_denial_counts_without_a_reason(self, world):
        denied = world.decide(world.ask(), verdict="deny", reason="")
        assert (denied["state"], denied["message"]) == ("denied", "Denied by bert. Nothing was released.")
        assert world.entries("request.denied")

    def test_after_the_time_it_is_expired(self, world):
        document = world.ask()
        world.clock.forward(hours=24)
        with pytest.raises(Conflict, match="that is a denial"):
            world.decide(document)
        assert world.read(document["id"])["state"] == "expired"
        assert world.entries("request.expired")


class TestQuorum:
    """Two slots take two people."""

    @pytest.fixture
    def world(self, tmp_path):
        return GateWorld(tmp_path)

    @pytest.fixture
    def document(self, world):
        return world.ask(action="publish", destination="site", triggered_by=("anna",))

    def test_one_person_in_both_groups_does_not_suffice(self, world, document):
        partly = world.decide(document, "bert")
        assert partly["state"] == "pending"
        assert sum(partly["requirement"]["missing"].values()) == 1
        with pytest.raises(Conflict, match="signs once"):
            world.decide(document, "bert")
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_it_waits_for_either_group_where_who_signed_can_fill_both_slots(self, world, document):
        assert world.read(document["id"])["message"].startswith("Waiting for a signature: 1 of privacy, 1 of legal, ")
        words = "Waiting for a signature: 1 of privacy (or of legal, since who signed can fill another slot), through"
        assert world.decide(document, "bert")["message"].startswith(words)

    def test_one_denial_ends_it(self, world, document):
        world.decide(document, "bert")
        assert world.decide(document, "cleo", "deny")["state"] == "denied"
        assert world.entries("grant.issued") == []


class TestNobodyKnown:
    """Where nobody is known to have asked, two different people have to sign."""

    def test_two_people(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.ask(triggered_by=())
        assert document["requester"] == {"person": None, "account": None}
        assert document["requirement"]["distinct"] == 2
        once = world.decide(document, "anna")
        assert once["requirement"]["missing"] == {"any reviewer": 1}
        assert once["message"].startswith("Waiting for a signature: 1 of any reviewer, through")
        assert world.decide(document, "bert")["state"] == "approved"

    def test_a_lone_reviewer_is_told_at_once(self, tmp_path):
        policy = POLICY.replace("privacy: {people: [anna, bert], group: privacy-team}", "privacy: {people: [anna]}")
        world = GateWorld(tmp_path, policy)
        with pytest.raises(Refused, match=r"too few beside those involved \(nobody\)\. .* say whose the token is"):
            world.ask(triggered_by=())
        assert world.entries("request.refused")


def decide_at_once(folder, document, decider, barrier, results):
    person, verdict = decider
    world = GateWorld(folder)
    world.host.add_run(airflow_run("race"), triggered_by=("anna",))  # who cleared it is asked before an approval
    barrier.wait()
    identity = Identity((f"okta|{person}",), "web", ("privacy-team",), world.clock.now())
    decision = DecisionInput(identity, verdict, REASON, document["intent_digest"], document["context_digest"])
    try:
        results.put(world.gate.decide(document["id"], decision)["state"])
    except Conflict:
        results.put("conflict")


class TestRace:
    """The first to settle a request wins, also among processes."""

    def test_approve_and_deny_at_once(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.ask(run=airflow_run("race"))
        context = multiprocessing.get_context("fork")
        barrier, results = context.Barrier(4), context.Queue()
        people = (("bert", "approve"), ("dora", "deny"), ("bert", "approve"), ("dora", "deny"))
        workers = [
            context.Process(target=decide_at_once, args=(tmp_path, document, each, barrier, results)) for each in people
        ]
        for worker in workers:
            worker.start()
        found = sorted(results.get(timeout=60) for _ in workers)
        for worker in workers:
            worker.join()
        assert found[0] in {"approved", "conflict"}
        assert found.count("conflict") == 3
        state = world.read(document["id"])["state"]
        assert state in {"approved", "denied"}
        assert len(world.entries("grant.issued")) == (state == "approved")
        assert len(world.entries("decision.approve", "decision.deny")) == 1


class TestWaiting:
    """What a request that waits says of where it can be signed."""

    def test_channels_that_cannot_show_a_request_are_not_named(self, tmp_path):
        world = GateWorld(tmp_path)
        in_airflow = world.ask()
        assert in_airflow["channels"] == ["web", "airflow"]
        assert in_airflow["message"].endswith("through web or airflow.")
        asked = world.gate.create_request(
            world.pipeline, RequestInput(world.stage(), "partner", "export", "by a script", None)
        )
        while world.gate.seal_waiting():
            pass
        assert world.read(asked["id"])["message"].endswith("through web.")
