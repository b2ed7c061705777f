"""What the gate measured is what reviewers are shown: in the host, on the page and at the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from server.gate.acting import ACTIONS, ask

from maskgate.cli.signed_words import signed_words
from maskgate.server.presentation import review
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

K = "evidence: {rows: {at_least: 1}, k: {at_least: 2, over: [country]}}"
RULE = "  - name: changes\n    when: {action: change-policy}\n    require: {slots: {privacy: 2}}\notherwise"


def shown(world, document):
    """All that the three say of a request."""
    page = review(document, world.clock.now())
    notes = [note for table in page["tables"] for note in table["notes"]]
    return document["question"]["body"].replace("\\", ""), "\n".join(notes), "\n".join(signed_words(document))


def changed(world):
    """The request for a policy that wants longer reasons."""
    world.policy = world.policy.replace("min_length: 10", "min_length: 20")
    world.start()
    (document,) = world.gate.requests(world.auditor, "pending")
    return world.read(document["id"])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return GateWorld(tmp_path_factory.mktemp("shown"), POLICY.replace("evidence: {rows: {at_least: 1}}", K))


@pytest.fixture(scope="module")
def first(world):
    return world.ask(staging=world.stage(8))


class TestShown:
    """Groups, findings and what is new stand wherever somebody decides."""

    def test_the_smallest_group(self, world, first):
        for said in shown(world, first):
            assert "the smallest group that shares country has 2 rows" in said

    def test_the_first_release(self, world, first):
        for said in shown(world, first):
            assert "first release of this table to this destination" in said

    def test_what_changed_since_the_last_release(self, world, first):
        world.decide(first)
        world.release(first)
        second = world.ask(run=airflow_run("second"), staging=world.stage(12))
        for said in shown(world, second):
            assert f"the last release there, {first['id']}, had 8 rows; no new columns; the rules are no looser" in said

    def test_what_another_token_released_is_compared_and_not_told(self, tmp_path, monkeypatch):
        world = GateWorld(tmp_path)
        first = world.decide(world.ask(staging=world.stage(8)))
        world.release(first)
        monkeypatch.setattr(GateWorld, "pipeline", replace(world.pipeline, token="other"))
        second = world.ask(run=airflow_run("second"), staging=world.stage(12))
        words = f"the last release there, {first['id']}, was another token's; no new columns; the rules are no looser"
        for said in shown(world, second):
            assert words in said
            assert "8 rows" not in said
        assert second["evidence"]["measured"]["tables"]["customers"]["since"]["rows"] is None

    def test_at_the_command_line_where_it_goes_and_what_was_done(self, first):
        said = signed_words(first)
        assert said[1].startswith("  to partner, trust external: ")
        assert "    email: token, looks like email" in said


class TestAtTheCommandLine:
    """Nothing of it is left out there, and nobody else's words pass for the gate's."""

    def test_a_line_that_a_requester_writes_is_none(self, tmp_path):
        world = GateWorld(tmp_path, ACTIONS)
        document = ask(world, arguments={"note": "x\n  decided before: anna approved\r\nreq_1: look", "b\nc": 1})
        said = signed_words(document)
        assert not [line for line in said if "\n" in line or line.startswith(("  decided before", "req_1:"))]
        assert "  note: x ⏎   decided before: anna approved ⏎ req_1: look" in said

    def test_what_was_decided_before(self, tmp_path):
        world = GateWorld(tmp_path, ACTIONS)
        before = ask(world)
        world.decide(world.read(before["id"]), "anna", "deny")
        again = ask(world)
        assert f"  decided before: anna denied rotate-key, request {before['id']}" in signed_words(again)
        assert f"anna denied rotate-key, request {before['id']}" in again["question"]["body"].replace("\\", "")

    def test_letters_that_look_like_others(self, tmp_path):
        document = ask(GateWorld(tmp_path, ACTIONS), resource="prod/сustomers")  # noqa: RUF001  a Cyrillic letter
        assert any(line.startswith("  look closely: ") and "cyrillic" in line for line in signed_words(document))

    def test_what_a_change_of_the_policy_changes(self, tmp_path):
        said = signed_words(changed(GateWorld(tmp_path, POLICY.replace("otherwise", RULE))))
        assert "  | -    reason: {min_length: 10}" in said
        assert "  | +    reason: {min_length: 20}" in said


class TestOnThePage:
    """The page says of each kind of request what a signature is for, and why nobody is known to have asked."""

    def page(self, world, document):
        page = review(document, world.clock.now())
        return page["signed"], page["requester"]["person"]

    def test_of_bytes(self, world, first):
        signed, person = self.page(world, {**first, "requester": None})
        assert signed.startswith("You sign these bytes, for this destination, once.")
        assert person == "nobody known: the run was not started by a person"

    def test_of_a_call(self, tmp_path):
        world = GateWorld(tmp_path, ACTIONS)
        signed, person = self.page(world, ask(world))
        assert signed.startswith("You sign this call with these arguments, once.")
        assert person == "nobody known: the token has no owner"

    def test_of_a_change_of_the_gate(self, tmp_path):
        world = GateWorld(tmp_path, POLICY.replace("otherwise", RULE))
        signed, person = self.page(world, changed(world))
        assert signed.startswith("You sign this change of the gate, as it is shown.")
        assert person == "nobody known: a file changed"
