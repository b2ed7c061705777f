"""Must hold: no reachable state breaks the laws, over requests, decisions, time, withdrawals, releases and crashes.

A machine plays people, pipelines, the clock and the power supply against the real gate on SQLite, and looks at all that
is there after each step. The laws are checked from rows, entries and files, by code that shares none with the gate's.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from maskgate.clock import moment
from maskgate.errors import MaskgateError
from maskgate.gate.grants import open_envelope
from maskgate.gate.sealing import seal
from maskgate.ledger import verify
from maskgate.store import tables
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.still_clock import StillClock

pytestmark = pytest.mark.timeout(600)

PEOPLE = ("anna", "bert", "cleo", "dora", "zoe")
GROUPS = {"privacy": {"anna", "bert"}, "legal": {"bert", "cleo"}}
SLOTS = {"partner": ("privacy",), "site": ("privacy", "legal")}
SETTLED = {"refused", "denied", "expired", "withdrawn", "released", "failed", "indeterminate"}
# Each of these states comes with an entry of this type.
ENTRIES = {
    "pending": "request.sealed",
    "denied": "request.denied",
    "expired": "request.expired",
    "withdrawn": "request.withdrawn",
    "approved": "grant.issued",
    "releasing": "release.started",
    "released": "release.completed",
    "failed": "release.failed",
    "indeterminate": "release.indeterminate",
}
ANYTHING = st.integers(0, 9)


class PowerCut(BaseException):
    """The process is gone."""


class Once:
    """Seals the first staging as the gate does, and the others, which hold the same bytes, by copying what it found."""

    known = None

    def __call__(self, staging, staging_id, folder, **options):
        if self.known is None:
            kept = Path(tempfile.mkdtemp()) / "sealed"
            self.known = seal(staging, staging_id, kept, **options)
        assert max(staging.names(staging_id)) == "orders/part-00000.parquet"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.known.folder, folder)
        return replace(self.known, folder=str(folder))


SEALER = Once()


@pytest.fixture(scope="module", autouse=True)
def _template(tmp_path_factory):
    """A gate that was begun once; each example starts from it, in the same folder."""
    folder = tmp_path_factory.mktemp("machine")
    world = GateWorld(folder, sealer=SEALER)
    world.store.close()
    shutil.copytree(folder, folder.with_name("template"))
    Machine.folder = folder
    yield
    if SEALER.known is not None:
        shutil.rmtree(Path(SEALER.known.folder).parent)


class Machine(RuleBasedStateMachine):
    """Everybody around one gate."""

    folder: Path

    @initialize(number=ANYTHING, after=st.integers(0, 16), side=st.sampled_from(["before", "after"]))
    def begin(self, number, after, side):
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("template"), self.folder)
        self.world = GateWorld(self.folder, sealer=SEALER, clock=StillClock())
        self.runs = {}
        self.settled = {}
        self.cut = None
        self.watch()
        for destination in SLOTS:
            self.a_run_asks(destination, ("anna",) if destination == "partner" else ())
            self.the_gate_works("seal_waiting")
        self.a_request_goes_all_its_way_unless_the_power_fails(number, after, side)

    def teardown(self):
        if hasattr(self, "world"):
            self.world.store.close()

    # --- crashes -----------------------------------------------------------------------------------------------

    def watch(self):
        """Let the power fail at a transaction that was chosen, before or after it is there."""
        write = self.world.store.write

        @contextmanager
        def failing():
            with write() as work:
                yield work
                self.count_down("before")
            self.count_down("after")

        self.world.store.write = failing

    def count_down(self, side):
        if self.cut is None or self.cut[1] != side:
            return
        left = self.cut[0]
        self.cut = (left - 1, side)
        if left == 0:
            raise PowerCut

    def play(self, act, *arguments, **options):
        """Do something; a refusal is an answer, and after a power cut the gate starts again."""
        try:
            return act(*arguments, **options)
        except MaskgateError:
            return None
        except PowerCut:
            event("a power cut")
            self.cut = None
            self.world.store.close()
            self.world.start()
            self.watch()
            return None

    def chosen(self, number):
        documents = sorted(self.runs)
        return documents[number % len(documents)]

    # --- what happens ------------------------------------------------------------------------------------------

    @rule(after=st.integers(0, 3), side=st.sampled_from(["before", "after"]))
    def the_power_will_fail(self, after, side):
        self.cut = (after, side)

    @rule()
    def the_gate_is_stopped_and_started(self):
        self.cut = None
        self.world.store.close()
        self.world.start()
        self.watch()

    @rule(destination=st.sampled_from(sorted(SLOTS)), by=st.sampled_from([("anna",), ("bert",), ("cleo",), ()]))
    def a_run_asks(self, destination, by):
        if len(self.runs) > 4:  # each is looked at after each step
            return
        run = airflow_run(f"run{len(self.runs)}_{self.world.clock.now().timestamp()}")
        action = "publish" if destination == "site" else "export"
        asked = {"triggered_by": by, "destination": destination, "action": action, "run": run, "sealed": False}
        document = self.play(self.world.ask, **asked)
        if document is not None:
            self.runs[document["id"]] = run

    @rule(what=st.sampled_from(["seal_waiting", "release_waiting", "sweep"]))
    def the_gate_works(self, what):
        self.play(getattr(self.world.gate, what))

    @rule(number=ANYTHING, person=st.sampled_from(PEOPLE), verdict=st.sampled_from(["approve", "approve", "deny"]))
    def somebody_decides(self, number, person, verdict):
        self.play(self.world.decide, self.world.read(self.chosen(number)), person, verdict)

    @rule(number=ANYTHING)
    def somebody_decides_what_they_saw_before(self, number):
        document = self.world.read(self.chosen(number))
        self.play(self.world.decide, document, "bert", intent_digest="sha256:" + "0" * 64)

    @rule(number=ANYTHING)
    def the_reviewers_sign(self, number):
        for person in ("anna", "bert", "cleo"):
            self.play(self.world.decide, self.world.read(self.chosen(number)), person)

    @rule(number=ANYTHING)
    def the_request_is_withdrawn(self, number):
        self.play(self.world.gate.withdraw, self.world.pipeline, self.chosen(number))

    @rule(number=ANYTHING, other=ANYTHING)
    def a_run_releases(self, number, other):
        request = self.chosen(number)
        run = self.runs[request if other else self.chosen(number + 1)]
        self.play(self.world.gate.release, self.world.pipeline, request, replace(run, task_id="release"))

    @rule(number=ANYTHING, after=st.integers(0, 12), side=st.sampled_from(["before", "after"]))
    def a_request_goes_all_its_way_unless_the_power_fails(self, number, after, side):
        self.the_gate_works("seal_waiting")
        self.the_power_will_fail(after, side)
        self.the_reviewers_sign(number)
        self.a_run_releases(number, 1)
        self.the_gate_works("release_waiting")

    @rule(minutes=st.sampled_from([1, 30, 60, 24 * 60]))
    def time_passes(self, minutes):
        self.world.clock.forward(minutes=minutes)

    @rule()
    def the_clock_is_set_back_and_right_again(self):
        self.cut = None  # no gate starts on a ledger that is ahead of the clock
        entries = self.world.entries()
        seconds = (self.world.clock.now() - moment(entries[-1]["at"])).total_seconds() + 3600
        self.world.clock.forward(seconds=-seconds)
        self.play(self.world.gate.sweep)
        self.world.clock.forward(seconds=seconds)
        assert len(self.world.entries()) == len(entries)

    # --- the laws ----------------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def the_ledger_agrees_with_itself_and_with_the_rows(self):
        with self.world.store.read() as work:
            ring = self.world.keys.ring(work)
            assert verify(work, None, lambda envelope: open_envelope(envelope, ring) is not None).problems == ()

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def the_laws_hold(self):
        documents = {each["id"]: each for each in self.world.gate.requests(self.world.auditor)}
        types = {}
        for entry in self.world.entries():
            types.setdefault(entry.get("request"), []).append(entry["type"])
        for name, document in documents.items():
            self.settled_stays_settled(name, document)
            self.each_change_has_its_entry(document, types[name])
            if document["state"] in {"approved", "releasing", "released"}:
                assert is_signed(document), document
        self.what_left_was_released(documents)
        self.grants_are_used_once(documents, types)

    def settled_stays_settled(self, name, document):
        if name in self.settled:
            assert document["state"] == self.settled[name]
        if document["state"] in SETTLED:
            self.settled[name] = document["state"]
        event(f"a request is {document['state']}")

    def each_change_has_its_entry(self, document, types):
        assert types.count("request.created") == 1
        if document["state"] in ENTRIES:
            assert ENTRIES[document["state"]] in types
        decisions = [each for each in types if each in {"decision.approve", "decision.deny"}]
        assert sorted(f"decision.{each['verdict']}" for each in document["decisions"]) == sorted(decisions)

    def what_left_was_released(self, documents):
        visible = {name for path in self.world.released() if not (name := Path(path).parts[1]).startswith(".") and name}
        of = {name: [each for each in visible if name in each] for name in documents}
        assert sum(len(each) for each in of.values()) == len(visible)
        for name, found in of.items():
            state = documents[name]["state"]
            assert len(found) == 1 if state == "released" else not found or state == "releasing", (state, found)

    def grants_are_used_once(self, documents, types):
        with self.world.store.read() as work:
            grants = work.execute(tables.grants.select()).all()
        assert len({grant.request for grant in grants}) == len(grants)
        for grant in grants:
            assert (grant.state == "used") == (documents[grant.request]["state"] == "released")
        for name in documents:
            assert types[name].count("release.completed") <= 1
            assert types[name].count("grant.issued") <= 1


def is_signed(document):
    """Whether different people who are not involved fill all slots, found by trying."""
    slots = SLOTS[document["destination"]["id"]]
    people = {each["person"] for each in document["decisions"] if each["verdict"] == "approve"}
    people -= set(document["involved"])
    if len(people) < document["requirement"]["distinct"]:
        return False
    return any(
        all(person in GROUPS[slot] for person, slot in zip(chosen, slots, strict=True))
        for chosen in permutations(people, len(slots))
    )


Machine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestLaws = Machine.TestCase
