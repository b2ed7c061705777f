"""Break-glass: fewer signatures, in haste and in the open, and never by anybody involved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import Conflict, NotAllowed, NotFound, Refused
from maskgate.gate.model import BreakGlassInput, Identity
from maskgate.gate.requirement import UNNAMED
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

GLASS = BreakGlassInput("INC-4711")
WHY = "the regulator's portal closes in ten minutes"


def with_glass(terms="break_glass: {role: on-call}", *, slots="{privacy: 1, legal: 1}"):
    policy = POLICY.replace("require: {slots: {privacy: 1}}", f"require: {{slots: {slots}}}\n    {terms}", 1)
    return policy.replace(
        "  legal: {people: [bert, cleo]}", "  legal: {people: [bert, cleo]}\n  on-call: {people: [anna, dora]}"
    )


class Channel:
    channel = "memory"

    def __init__(self):
        self.told = []

    def notify(self, document):
        self.told.append((document["occasion"], (document["break_glass"] or {}).get("skipped")))


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
def world(tmp_path, channel):
    return GateWorld(tmp_path, with_glass(), notifiers=(channel,))


def break_glass(world, document, person="dora", **more):
    return world.decide(document, person, **{"reason": WHY, "break_glass": GLASS, **more})


class TestUse:
    """One of the role goes without the others; that is an entry, a badge, a message and work for somebody else."""

    def test_one_instead_of_two(self, world, channel):
        document = world.ask(triggered_by=("anna",))
        done = break_glass(world, document)
        assert done["state"] == "approved"
        (entry,) = world.entries("break_glass.used", request=document["id"])
        assert (entry["person"], entry["ticket"], entry["severity"]) == ("dora", "INC-4711", "high")
        assert entry["skipped"] == ["bert", "cleo", "group privacy-team"]
        shown = done["break_glass"]
        assert (shown["person"], shown["closed_at"]) == ("dora", None)
        assert done["decisions"][0]["break_glass"] is True
        world.gate.sweep()
        assert ("break_glass", ["bert", "cleo", "group privacy-team"]) in channel.told
        assert world.release(done, airflow_run(task_id="release"))["state"] == "released"

    def test_it_may_take_two(self, tmp_path):
        world = GateWorld(tmp_path, with_glass("break_glass: {role: on-call, distinct: 2}"))
        document = world.ask()
        after = break_glass(world, document)
        assert (after["state"], after["requirement"]["missing"]) == ("pending", {"any reviewer": 1})
        assert world.decide(document, "cleo")["state"] == "approved"

    def test_two_where_nobody_is_known_to_have_asked(self, world):
        document = world.ask(triggered_by=())
        assert break_glass(world, document)["state"] == "pending"
        assert world.entries("grant.issued") == []

    def test_whoever_only_the_caller_named_does_not_suffice(self, world):
        after = break_glass(world, world.ask(requesters=("dora",)))
        assert after["state"] == "pending"
        assert UNNAMED in after["requirement"]["missing"] or after["requirement"]["missing"]
        assert world.entries("grant.issued") == []


class TestRefused:
    """Nothing about it is lax."""

    @pytest.mark.parametrize(
        ("person", "changes", "error", "words"),
        [
            pytest.param("anna", {}, NotAllowed, r"anna .* is involved", id="somebody involved"),
            pytest.param("cleo", {}, NotAllowed, "only on-call can break glass", id="another role"),
            pytest.param(
                "dora", {"reason": "it is urgent, now"}, Refused, "at least 30 characters; this one has 16", id="short"
            ),
            pytest.param("dora", {"reason": "." * 40}, Refused, "this one has 0", id="padding"),
            pytest.param("dora", {"break_glass": BreakGlassInput("-")}, Refused, "takes the ticket", id="no ticket"),
            pytest.param("dora", {"verdict": "deny"}, NotAllowed, "no break-glass", id="a denial"),
            pytest.param("dora", {"batch": "bat_1"}, NotAllowed, "one request at a time", id="in a batch"),
        ],
    )
    def test_refused(self, world, person, changes, error, words):
        document = world.ask(triggered_by=("anna",))
        with pytest.raises(error, match=words):
            break_glass(world, document, person, **changes)
        after = world.read(document["id"])
        assert (after["state"], after["break_glass"]) == ("pending", None)
        assert world.entries("break_glass.used", "grant.issued") == []
        assert len(world.entries("decision.refused")) == 1

    def test_an_old_login(self, world):
        now = world.clock.now()
        identity = Identity(("okta|dora",), "web", (), now - timedelta(minutes=5, seconds=1))
        with pytest.raises(NotAllowed, match="last 5 minutes"):
            break_glass(world, world.ask(), identity=identity)

    def test_where_the_policy_has_none(self, tmp_path):
        world = GateWorld(tmp_path)
        with pytest.raises(NotAllowed, match="no break-glass for this request"):
            break_glass(world, world.ask(), "bert")

    def test_the_role_alone_does_not_decide_as_usual(self, world):
        with pytest.raises(NotAllowed, match="dora is not among the reviewers"):
            world.decide(world.ask(), "dora")


class TestPostReview:
    """Somebody else looks at it, and until then nobody breaks glass again."""

    @pytest.fixture
    def broken(self, world):
        document = world.ask(triggered_by=("anna",))
        return break_glass(world, document)["break_glass"]["id"]

    def person(self, world, name):
        return Identity((f"okta|{name}",), "web", (), world.clock.now())

    def test_blocks_the_next_of_anybody(self, world, broken):
        document = world.ask(run=airflow_run("second"), triggered_by=("cleo",))
        for person in ("dora", "anna"):
            with pytest.raises(Conflict, match="has not been looked at yet"):
                break_glass(world, document, person)
        world.gate.close_post_review(self.person(world, "bert"), broken, "it was as she said")
        assert break_glass(world, document, "dora")["state"] == "approved"

    def test_is_recorded_and_told(self, world, broken, channel):
        closed = world.gate.close_post_review(self.person(world, "bert"), broken, "it was as she said")
        assert (closed["closed_by"], closed["finding"]) == ("bert", "it was as she said")
        (entry,) = world.entries("break_glass.reviewed")
        assert (entry["by"], entry["post_review"]) == ("bert", broken)
        world.gate.sweep()
        assert "post_review" in [occasion for occasion, _ in channel.told]
        with pytest.raises(Conflict, match="closed already"):
            world.gate.close_post_review(self.person(world, "bert"), broken, "it was as she said")

    @pytest.mark.parametrize(
        ("who", "words"),
        [
            pytest.param("dora", "cannot also look at it", id="whoever broke it"),
            pytest.param("anna", "is involved", id="somebody involved"),
            pytest.param("zoe", "linked to nobody", id="nobody"),
        ],
    )
    def test_who_may_not_close_it(self, world, broken, who, words):
        with pytest.raises(NotAllowed, match=words):
            world.gate.close_post_review(self.person(world, who), broken, "it was as she said")
        assert world.gate.post_reviews(world.auditor)[0]["closed_at"] is None

    def test_without_a_finding(self, world, broken):
        with pytest.raises(Refused, match="at least 10"):
            world.gate.close_post_review(self.person(world, "bert"), broken, "ok")

    def test_there_has_to_be_one(self, world):
        with pytest.raises(NotFound):
            world.gate.close_post_review(self.person(world, "bert"), "pre_none", "it was as she said")
