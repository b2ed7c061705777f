"""Who may see what; and what only looks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import NotAllowed, NotFound, StillPending
from maskgate.gate.model import Caller, Identity
from maskgate.ledger import read_checkpoint
from maskgate.testing.gate_world import GateWorld


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    world = GateWorld(tmp_path_factory.mktemp("asked"))
    return world, world.ask()


def person(world, account, groups=(), ago=timedelta(0)):
    return Identity((account,), "web", groups, world.clock.now() - ago)


class TestRequests:
    """Auditors see all, tokens their own, people what concerns them; the rest does not exist for them."""

    @pytest.mark.parametrize(
        ("account", "groups", "sees"),
        [
            pytest.param("okta|anna", (), True, id="whoever asked"),
            pytest.param("okta|bert", (), True, id="a reviewer by name"),
            pytest.param("okta|dora", ("privacy-team",), True, id="a reviewer by group"),
            pytest.param("okta|dora", (), False, id="a person not concerned"),
            pytest.param("okta|zoe", ("privacy-team",), False, id="an unlinked account, whatever its groups"),
        ],
    )
    def test_people(self, asked, account, groups, sees):
        world, document = asked
        caller = Caller("person", identity=person(world, account, groups, timedelta(hours=3)))
        assert [each["id"] for each in world.gate.requests(caller)] == [document["id"]] * sees
        if not sees:
            with pytest.raises(NotFound):
                world.gate.request(caller, document["id"])

    def test_tokens(self, asked):
        world, document = asked
        assert world.gate.request(world.pipeline, document["id"])["id"] == document["id"]
        assert world.gate.request(world.auditor, document["id"])["id"] == document["id"]
        other = Caller("pipeline", token="other")
        assert world.gate.requests(other) == []
        for verb in (world.gate.request, world.gate.refresh, world.gate.withdraw):
            with pytest.raises(NotFound):
                verb(other, document["id"])

    def test_by_state(self, asked):
        world, _ = asked
        assert len(world.gate.requests(world.auditor, "pending")) == 1
        assert world.gate.requests(world.auditor, "denied") == []
        with pytest.raises(NotFound, match="States are"):
            world.gate.requests(world.auditor, "open")

    def test_an_auditor_withdraws_nothing(self, asked):
        world, document = asked
        with pytest.raises(NotAllowed):
            world.gate.withdraw(world.auditor, document["id"])

    def test_a_reviewer_withdraws_nothing_but_who_asked_may(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.ask()
        with pytest.raises(NotAllowed):
            world.gate.withdraw(Caller("person", identity=person(world, "okta|bert")), document["id"])
        withdrawn = world.gate.withdraw(Caller("person", identity=person(world, "okta|anna")), document["id"])
        assert withdrawn["state"] == "withdrawn"
        assert world.entries("request.withdrawn")[0]["by"] == "anna"


class TestStanding:
    """Whether somebody may decide, and why not, before they try."""

    @pytest.mark.parametrize(
        ("account", "name", "may", "words"),
        [
            ("okta|bert", "bert", True, ""),
            ("okta|anna", "anna", False, "is involved"),
            ("okta|cleo", "cleo", False, "not among the reviewers"),
            ("okta|zoe", None, False, "linked to nobody"),
        ],
    )
    def test_standing(self, asked, account, name, may, words):
        world, document = asked
        standing = world.gate.standing(document["id"], person(world, account))
        assert (standing.person, standing.may) == (name, may)
        assert words in standing.why_not
        assert world.read(document["id"])["refusals"] == []


class TestFirstView:
    """The first time somebody sees the page is kept; who signs within seconds of it, or without it, is marked."""

    @pytest.fixture
    def world(self, tmp_path):
        return GateWorld(tmp_path)

    def test_it_is_an_entry_once_for_each_person(self, world):
        document = world.ask()
        for account in ("okta|bert", "okta|bert", "okta|anna", "okta|bert"):
            world.gate.note_view(document["id"], person(world, account))
        views = world.entries("page.viewed", request=document["id"])
        assert [(body["person"], body["accounts"]) for body in views] == [
            ("bert", ["okta|bert"]),
            ("anna", ["okta|anna"]),
        ]
        assert world.read(document["id"])["state"] == "pending"

    def test_what_is_not_sealed_yet_cannot_have_been_read(self, world):
        document = world.ask(sealed=False)
        world.gate.note_view(document["id"], person(world, "okta|bert"))
        assert world.entries("page.viewed") == []

    def test_a_stranger_sees_nothing(self, world):
        document = world.ask()
        with pytest.raises(NotFound):
            world.gate.note_view(document["id"], person(world, "okta|zoe"))
        assert world.entries("page.viewed") == []

    @pytest.mark.parametrize(
        ("seconds", "marks"),
        [
            pytest.param(0, {"quick": True, "unviewed": False}, id="at once"),
            pytest.param(2.999, {"quick": True, "unviewed": False}, id="within three seconds"),
            pytest.param(3, {"quick": False, "unviewed": False}, id="after three seconds"),
            pytest.param(None, {"quick": False, "unviewed": True}, id="without a view"),
        ],
    )
    def test_how_soon_is_in_the_decision_and_its_entry(self, world, seconds, marks):
        document = world.ask()
        if seconds is not None:
            world.gate.note_view(document["id"], person(world, "okta|bert"))
            world.clock.forward(seconds=seconds)
        [shown] = world.decide(document)["decisions"]
        assert {name: shown[name] for name in marks} == marks
        [body] = world.entries("decision.approve", request=document["id"])
        assert {name: body.get(name, False) for name in marks} == marks

    def test_the_time_of_the_first_view_stays(self, world):
        document = world.ask()
        world.gate.note_view(document["id"], person(world, "okta|bert"))
        world.clock.forward(seconds=10)
        world.gate.note_view(document["id"], person(world, "okta|bert"))
        assert not world.decide(document)["decisions"][0]["quick"]

    def test_a_view_by_another_is_none_of_mine(self, world):
        document = world.ask()
        world.gate.note_view(document["id"], person(world, "okta|anna"))
        assert world.decide(document)["decisions"][0]["unviewed"]


class TestSample:
    """A few masked rows are shown to those concerned, and each look is an entry."""

    def test_a_look_is_recorded(self, asked):
        world, document = asked
        before = len(world.entries("page.sample_viewed"))
        shown = world.gate.view_sample(document["id"], person(world, "okta|bert"))
        assert set(shown) == {"customers", "orders"}
        entries = world.entries("page.sample_viewed")
        assert len(entries) == before + 1
        assert (entries[-1]["person"], entries[-1]["request"]) == ("bert", document["id"])

    def test_a_stranger_sees_nothing(self, asked):
        world, document = asked
        with pytest.raises(NotFound):
            world.gate.view_sample(document["id"], person(world, "okta|zoe"))

    def test_of_a_denied_request_there_is_nothing_to_see(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.decide(world.ask(), verdict="deny")
        with pytest.raises(StillPending):
            world.gate.view_sample(document["id"], person(world, "okta|bert"))


class TestLedger:
    """Auditors and people of the policy read the ledger; pipelines do not."""

    def test_who_reads(self, asked):
        world, _ = asked
        assert world.gate.ledger_entries(world.auditor, after=0, limit=1)[0]["seq"] == 1
        assert world.gate.ledger_entries(Caller("person", identity=person(world, "okta|dora")))
        for caller in (world.pipeline, Caller("person", identity=person(world, "okta|zoe"))):
            with pytest.raises(NotAllowed):
                world.gate.ledger_entries(caller)
            with pytest.raises(NotAllowed):
                world.gate.checkpoint(caller)

    def test_a_checkpoint_is_signed_by_the_gates_key(self, asked):
        world, _ = asked
        given = world.gate.checkpoint(world.auditor)
        read = read_checkpoint(given["note"], world.signer.public_key)
        assert (read.head.size, read.head.root.hex()) == (given["size"], given["root"])

    def test_counts(self, asked):
        world, _ = asked
        counts = world.gate.counts()
        assert counts["requests"] == {"pending": 1}
        assert counts["entries"]["request.sealed"] == 1

    def test_a_decision_by_token_is_refused_and_recorded(self, asked):
        world, document = asked
        with pytest.raises(NotAllowed, match="decides nothing"):
            world.gate.refuse_token_decision(world.pipeline, document["id"])
        assert world.entries("decision.refused")[-1]["token"] == "pipeline"

    def test_no_cell_of_the_data_is_in_the_ledger(self, asked):
        """The sample's tokens and constants stand for values: none is in the database."""
        world, _ = asked
        content = (world.folder / "gate.db").read_bytes() + (world.folder / "gate.db-wal").read_bytes()
        for cell in (b"em_5feceb66ffc86f38d952786c6d696c79", b"em_4e07408562bedb8b60ce05c1decfe3ad"):
            assert cell not in content
