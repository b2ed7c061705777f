"""An answer in Airflow's screens counts if it answers this very question, in time, by a person; otherwise not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from maskgate.errors import HostUnreachable
from maskgate.gate.host import Responder
from maskgate.testing.gate_world import REASON, GateWorld
from maskgate.testing.host import airflow_run

RUN = airflow_run()


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    world = GateWorld(tmp_path_factory.mktemp("asked"))
    return world, world.ask()


@pytest.fixture
def fresh(tmp_path):
    world = GateWorld(tmp_path)
    document = world.ask()
    world.host.park(RUN, document["question"])
    return world, document


def refresh(world, document):
    return world.gate.refresh(world.pipeline, document["id"])


def with_params(question, **changes):
    return {"params": {"reason": {**question["params"]["reason"], **changes}}}


HOSTILE = [
    pytest.param(lambda q: {"subject": "Order lunch?"}, "heading differs", id="another heading"),
    pytest.param(lambda q: {"body": "Pizza or pasta"}, "text differs", id="another text"),
    pytest.param(lambda q: {"body": q["body"] + " "}, "text differs", id="a space more"),
    pytest.param(lambda q: {"body": None}, "text differs", id="no text"),
    pytest.param(lambda q: {"options": ("Reject", "Approve")}, "buttons differs", id="swapped buttons"),
    pytest.param(lambda q: {"options": ("Approve",)}, "buttons differs", id="one button"),
    pytest.param(lambda q: {"params": {}}, "form differs", id="no reason field"),
    pytest.param(lambda q: with_params(q, value="it was checked"), "form differs", id="a reason filled in"),
    pytest.param(lambda q: with_params(q, description="Name?"), "form differs", id="another label"),
    pytest.param(lambda q: with_params(q, schema={"const": "ok"}), "form differs", id="another schema"),
    pytest.param(lambda q: {"params": {**q["params"], "x": {}}}, "form differs", id="a field more"),
    pytest.param(lambda q: {"defaults": ("Approve",)}, "default differs", id="a default"),
    pytest.param(lambda q: {"multiple": True}, "choice differs", id="several choices"),
]


class TestHostileQuestion:
    """A question that is not the gate's, to the byte, was not answered."""

    @pytest.mark.parametrize(("change", "words"), HOSTILE)
    def test_is_refused(self, asked, change, words):
        world, document = asked
        world.clock.forward(seconds=1)
        world.host.park(RUN, document["question"], **change(document["question"]))
        world.host.answer(RUN, "bert", reason=REASON)
        after = refresh(world, document)
        assert (after["state"], after["decisions"]) == ("pending", [])
        assert words in after["message"]
        assert "is not the question that the gate asks" in world.entries("decision.refused")[-1]["refusal"]
        assert words in world.host.notes[-1][1]


ANSWERS = [
    pytest.param({"responded_by": None}, "does not say who answered", id="nobody answered: a time-out"),
    pytest.param({"responded_by": Responder("", "")}, "does not say who answered", id="somebody without a name"),
    pytest.param({"responded_by": Responder("1", "gate")}, "gate's own account", id="the gate itself"),
    pytest.param({"responded_by": Responder("bert", "cleo")}, "is one person", id="the id of one, the name of another"),
    pytest.param({"responded_by": Responder("9", "zoe")}, "linked to nobody", id="an unlinked user"),
    pytest.param({"responded_by": Responder("anna", "anna")}, "is involved", id="whoever started the run"),
    pytest.param({"task_instance_id": "ti-other"}, "another task instance", id="another task instance"),
    pytest.param({"try_number": 2}, "another task instance or try", id="another try"),
    pytest.param({"params_input": {"reason": ""}}, "at least 10 characters", id="an empty reason"),
    pytest.param({"params_input": {}}, "at least 10 characters", id="no reason"),
    pytest.param({"params_input": {"reason": 7}}, "no text", id="a number for a reason"),
    pytest.param({"params_input": {"reason": REASON, "x": 1}}, "fields that the question", id="a field more"),
    pytest.param({"chosen_options": ()}, "neither Approve nor Reject", id="nothing chosen"),
    pytest.param({"chosen_options": ("Approve", "Reject")}, "neither Approve nor Reject", id="both chosen"),
    pytest.param({"chosen_options": ("approve",)}, "neither Approve nor Reject", id="other letters"),
]


class TestAnswerThatIsNone:
    """An answer by nobody, by the wrong one, to another question or of another kind leaves the request pending."""

    @pytest.mark.parametrize(("changes", "words"), ANSWERS)
    def test_is_refused(self, asked, changes, words):
        world, document = asked
        world.clock.forward(seconds=1)
        world.host.park(RUN, document["question"])
        world.host.answer(RUN, "bert", reason=REASON, **changes)
        after = refresh(world, document)
        assert (after["state"], after["decisions"]) == ("pending", [])
        assert words in after["refusals"][-1]["message"]
        assert world.host.notes[-1][1].startswith("Maskgate: ")
        assert world.entries("grant.issued") == []

    @pytest.mark.parametrize(
        ("at", "words"),
        [
            pytest.param(timedelta(seconds=-1), "before the question was asked", id="before the request"),
            pytest.param(timedelta(hours=24), "after the time was over", id="after its end, by the host's clock"),
        ],
    )
    def test_at_the_wrong_time_is_refused(self, fresh, at, words):
        world, document = fresh
        world.host.answer(RUN, "bert", reason=REASON, responded_at=world.clock.now() + at)
        after = refresh(world, document)
        assert after["state"] == "pending"
        assert words in after["message"]

    def test_read_after_the_end_is_too_late_whatever_it_claims(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "bert", reason=REASON)
        world.clock.forward(hours=25)
        assert refresh(world, document)["state"] == "expired"
        assert world.entries("grant.issued") == []

    def test_a_policy_without_the_channel_takes_none(self, tmp_path):
        world = GateWorld(tmp_path)
        document = world.ask(action="publish", destination="site")
        world.host.park(RUN, document["question"])
        world.host.answer(RUN, "bert", reason=REASON)
        assert "through airflow, only through web" in refresh(world, document)["message"]

    def test_the_same_answer_is_refused_once_however_often_it_is_told(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "anna", reason=REASON)
        for _ in range(3):
            refresh(world, document)
        assert len(world.entries("decision.refused")) == 1

    def test_a_host_that_does_not_answer_decides_nothing(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "bert", reason=REASON)
        world.host.is_reachable = False
        with pytest.raises(HostUnreachable):
            refresh(world, document)
        assert world.read(document["id"])["state"] == "pending"


class TestAnswer:
    """A person's answer to the gate's question goes through the door."""

    def test_an_unanswered_question_changes_nothing(self, fresh):
        world, document = fresh
        assert refresh(world, document) == document
        assert world.host.notes == []

    def test_an_approval(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "bert", reason=REASON)
        after = refresh(world, document)
        assert after["state"] == "approved"
        assert [(each["person"], each["channel"]) for each in after["decisions"]] == [("bert", "airflow")]
        assert world.host.notes == []

    def test_an_approval_after_an_answer_that_did_not_count_replaces_its_note(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "anna", reason=REASON)
        refresh(world, document)
        assert "involved" in world.host.notes[-1][1]
        world.clock.forward(seconds=1)
        world.host.park(RUN, document["question"])
        world.host.answer(RUN, "bert", reason=REASON)
        after = refresh(world, document)
        assert (after["state"], world.host.notes[-1][1]) == ("approved", f"Maskgate: {after['message']}")

    def test_by_an_id_that_is_linked_or_a_name_that_is(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "bert", reason=REASON, responded_by=Responder("42", "bert"))
        assert refresh(world, document)["state"] == "approved"

    def test_a_rejection(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "bert", "Reject")
        assert refresh(world, document)["state"] == "denied"

    def test_after_a_refusal_another_person_can_still_answer(self, fresh):
        world, document = fresh
        world.host.answer(RUN, "anna", reason=REASON)
        assert "anna" in refresh(world, document)["message"]
        world.clock.forward(seconds=5)
        world.host.park(RUN, document["question"])
        world.host.answer(RUN, "bert", reason=REASON)
        assert refresh(world, document)["state"] == "approved"

    def test_a_fake_sdk_claim_is_never_read(self, fresh):
        """The worker says nothing that counts: refresh takes a request's id alone."""
        world, document = fresh
        world.host.questions[RUN.run_id] = replace(world.host.questions[RUN.run_id], chosen_options=("Approve",))
        assert refresh(world, document)["state"] == "pending"
