"""Must hold: no reachable state breaks the laws, over requests, decisions, time, withdrawals, releases and crashes.

A machine plays people, pipelines, the clock and the power supply against the real gate on SQLite, and looks at all that
is there after each step. It starts from every state, and every way of signing, in turn. What everybody does stands in
`around_the_gate.py`, what must hold in `laws.py`.
"""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis.stateful import invariant, precondition, run_state_machine_as_test
from specifications import laws
from specifications.around_the_gate import POLICY, SEALER, AroundTheGate

from maskgate.gate.grants import open_envelope
from maskgate.gate.kept_rows import check_kept_rows
from maskgate.ledger import verify
from maskgate.testing.gate_world import GateWorld

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", autouse=True)
def _template(tmp_path_factory):
    """A gate that was begun once; each example starts from it, in the same folder."""
    folder, SEALER.folder = tmp_path_factory.mktemp("machine"), tmp_path_factory.mktemp("kept")
    GateWorld(folder, POLICY, sealer=SEALER).store.close()
    shutil.copytree(folder, folder.with_name("template"))
    Machine.folder = folder


class Machine(AroundTheGate):
    """Looks at all that is there after each step."""

    seen: set[str]

    def __init__(self):
        super().__init__()
        self.settled = {}

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def the_ledger_agrees_with_itself_and_with_the_rows(self):
        with self.world.store.read() as work:
            ring = self.world.keys.ring(work)
            assert verify(work, None, lambda envelope: open_envelope(envelope, ring) is not None).problems == ()
            assert list(check_kept_rows(work)) == []

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def the_laws_hold(self):
        documents = {each["id"]: each for each in self.world.gate.requests(self.world.auditor)}
        types = {}
        for entry in self.world.entries():
            types.setdefault(entry.get("request"), []).append(entry["type"])
        for name, document in documents.items():
            self.settled_stays_settled(name, document)
            laws.each_change_has_its_entry(document, types[name])
            laws.what_is_held_is_signed_and_not_granted(document, documents, types[name])
            if document["state"] in laws.SIGNED:
                assert laws.is_signed(document, documents), document
        laws.what_left_was_released(documents, self.world.released())
        with self.world.store.read() as work:
            laws.grants_are_used_once(documents, types, work)
            laws.each_stands_in_for_somebody_who_asked(documents, work)
            laws.standing_approvals_are_used_as_signed(documents, work)
            laws.glass_is_broken_once_at_a_time(documents, work)
            laws.decisions_of_a_batch_are_of_one_kind(documents, work)
            self.seen |= laws.ways_of_signing(work)

    def settled_stays_settled(self, name, document):
        if name in self.settled:
            assert document["state"] == self.settled[name]
        if document["state"] in laws.SETTLED:
            self.settled[name] = document["state"]
        event(f"a request is {document['state']}")
        self.seen.add(document["state"])
        if document["held_until"]:
            self.seen.add("held")
        if document["state"] == "released" and document["destination"]["id"] == "site":
            self.seen.add("held and released")


PARTNER, SITE = 0, 1  # the requests that wait at the beginning


def it_is_signed(machine):
    machine.the_reviewers_sign(PARTNER)


def it_is_being_released(machine):
    it_is_signed(machine)
    machine.a_run_releases(PARTNER, 1)


def something_odd_is_staged(machine):
    staging = machine.world.stage()
    (machine.folder / "staging" / staging / "orders" / "notes.txt").write_text("nobody masked this")
    machine.a_run_asks("partner", ("anna",), staging=staging)
    machine.the_gate_works("seal_waiting")


def time_runs_out(machine):
    machine.time_passes(24 * 60)
    machine.the_gate_works("sweep")


def the_copy_is_changed_after_signing(machine):
    it_is_being_released(machine)
    machine.a_sealed_copy_is_changed(PARTNER)
    machine.the_gate_works("release_waiting")


def the_power_fails_while_publishing_in_fog(machine):
    it_is_being_released(machine)
    machine.fog.breaks_at_commit = True
    machine.the_gate_works("release_waiting")
    machine.fog_at_the_destination(is_thick=True)
    machine.the_gate_works("release_waiting")


def what_was_held_is_released(machine):
    machine.the_reviewers_sign(SITE)
    machine.time_passes(30)
    machine.the_gate_works("sweep")
    machine.a_run_releases(SITE, 1)
    machine.the_gate_works("release_waiting")


def a_second_run_asks(machine):
    machine.a_run_asks("partner", ("anna",))
    machine.the_gate_works("seal_waiting")


def a_standing_approval_is_used(machine):
    machine.somebody_signs_for_later_ones_too(PARTNER, "bert")
    a_second_run_asks(machine)


def somebody_stands_in(machine):
    machine.somebody_goes_away("bert", "cleo", 48)
    machine.somebody_stands_in(SITE, "cleo", "bert")


def two_are_decided_at_once(machine):
    a_second_run_asks(machine)
    machine.somebody_decides_several_at_once("bert", "approve")


# How each state, and each way of signing, is reached.
WAYS = {
    "sealing": lambda machine: machine.a_run_asks("partner", ("anna",)),
    "refused": something_odd_is_staged,
    "pending": lambda machine: machine.the_gate_works("sweep"),
    "approved": it_is_signed,
    "releasing": it_is_being_released,
    "released": lambda machine: machine.a_request_goes_all_its_way_unless_the_power_fails(PARTNER, 99, "after"),
    "denied": lambda machine: machine.somebody_decides(PARTNER, "bert", "deny"),
    "expired": time_runs_out,
    "held": lambda machine: machine.the_reviewers_sign(SITE),
    "held and released": what_was_held_is_released,
    "withdrawn": lambda machine: machine.the_request_is_withdrawn(PARTNER),
    "failed": the_copy_is_changed_after_signing,
    "indeterminate": the_power_fails_while_publishing_in_fog,
    "standing approval": a_standing_approval_is_used,
    "delegation": somebody_stands_in,
    "batch": two_are_decided_at_once,
    "break-glass": lambda machine: machine.somebody_breaks_glass(PARTNER, "dora"),
}
# The first example of each is a short one.
EXAMPLES = settings(
    max_examples=2,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class TestLaws:
    """From every state and every way of signing, whatever happens next, the laws hold."""

    def test_every_state_is_a_beginning(self):
        assert WAYS.keys() >= laws.STATES

    @pytest.mark.parametrize("way", WAYS)
    def test_from(self, way):
        beginning = type(f"From_{way}", (Machine,), {"way": WAYS[way], "seen": set()})
        run_state_machine_as_test(beginning, settings=EXAMPLES)
        assert way in beginning.seen
