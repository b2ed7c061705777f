"""Everybody around one gate, and all that they may do: what the machine of `test_state_machine.py` plays."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from server.foggy import Fog, PowerCut
from specifications.laws import SLOTS

from maskgate.clock import moment
from maskgate.errors import MaskgateError
from maskgate.gate.batches import BatchItem
from maskgate.gate.delegation import DelegationInput
from maskgate.gate.model import BreakGlassInput, Identity
from maskgate.gate.sealing import seal
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.still_clock import StillClock

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = ("anna", "bert", "cleo", "dora", "zoe")
ANYTHING = st.integers(0, 9)
WHY = "the regulator's portal closes in ten minutes"
POLICY = (
    POLICY.replace(
        "require: {slots: {privacy: 1}}",
        "require: {slots: {privacy: 1}}\n    standing: {days: 30, uses: 2}\n    break_glass: {role: on-call}",
        1,
    )
    .replace("require: {slots: {privacy: 1, legal: 1}}", "require: {slots: {privacy: 1, legal: 1}}\n    delay: 30m", 1)
    .replace("  legal: {people: [bert, cleo]}", "  legal: {people: [bert, cleo]}\n  on-call: {people: [cleo, dora]}")
)


class Once:
    """Seals the first staging as the gate does, and the others, which hold the same bytes, by copying what it found."""

    known = None

    def __call__(self, staging, staging_id, folder, **options):
        names = staging.names(staging_id)
        if self.known is None or len(names) != self.known_names:
            kept = Path(tempfile.mkdtemp(dir=self.folder)) / "sealed"
            self.known_names, self.known = len(names), seal(staging, staging_id, kept, **options)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.known.folder, folder)
        return replace(self.known, folder=str(folder))


SEALER = Once()


class AroundTheGate(RuleBasedStateMachine):
    """People, pipelines, the clock and the power supply, around one gate that begins in a given way."""

    folder: Path
    way: Callable[[AroundTheGate], None]

    @initialize()
    def begin(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("template"), self.folder)
        self.fog = Fog()
        self.world = GateWorld(self.folder, POLICY, sealer=SEALER, releaser=self.fog, clock=StillClock())
        self.runs, self.cut = {}, None
        self.watch()
        for destination in SLOTS:
            self.a_run_asks(destination, ("anna",))
            self.the_gate_works("seal_waiting")
        self.way()

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

    def identity(self, person):
        return Identity((f"okta|{person}",), "web", (), self.world.clock.now())

    def chosen(self, number):
        documents = list(self.runs)
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
    def a_run_asks(self, destination, by, **more):
        if len(self.runs) > 4:  # each is looked at after each step
            return
        run = airflow_run(f"run{len(self.runs)}_{self.world.clock.now().timestamp()}")
        action = "publish" if destination == "site" else "export"
        asked = {"triggered_by": by, "destination": destination, "action": action, "run": run, "sealed": False}
        document = self.play(self.world.ask, **asked, **more)
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

    @rule(number=ANYTHING, person=st.sampled_from(PEOPLE))
    def somebody_signs_for_later_ones_too(self, number, person):
        document = self.world.read(self.chosen(number))
        offer = document["standing_offer"]
        self.play(self.world.decide, document, person, standing=offer and offer["digest"])

    @rule(person=st.sampled_from(PEOPLE), verdict=st.sampled_from(["approve", "approve", "deny"]))
    def somebody_decides_several_at_once(self, person, verdict):
        for kind in self.world.gate.batches(self.identity(person))[:1]:
            items = [BatchItem(*(each[name] for name in ("id", "intent_digest", "context_digest"))) for each in kind]
            self.play(self.world.gate.decide_batch, self.identity(person), items, verdict, "checked the columns")

    @rule(absent=st.sampled_from(PEOPLE), person=st.sampled_from(PEOPLE), hours=st.sampled_from([1, 48]))
    def somebody_goes_away(self, absent, person, hours):
        now = self.world.clock.now()
        wanted = DelegationInput(person, now, now + timedelta(hours=hours))
        self.play(self.world.gate.delegate, self.identity(absent), wanted)

    @rule(person=st.sampled_from(PEOPLE))
    def somebody_comes_back(self, person):
        for each in self.world.gate.delegations(self.identity(person)):
            self.play(self.world.gate.end_delegation, self.identity(person), each["id"])

    @rule(number=ANYTHING, person=st.sampled_from(PEOPLE), absent=st.sampled_from(PEOPLE))
    def somebody_stands_in(self, number, person, absent):
        self.play(self.world.decide, self.world.read(self.chosen(number)), person, acting_for=absent)

    @rule(number=ANYTHING, person=st.sampled_from(PEOPLE))
    def somebody_breaks_glass(self, number, person):
        glass = {"reason": WHY, "break_glass": BreakGlassInput("INC-4711")}
        self.play(self.world.decide, self.world.read(self.chosen(number)), person, **glass)

    @rule(person=st.sampled_from(PEOPLE))
    def somebody_looks_at_what_was_broken(self, person):
        for each in self.world.gate.post_reviews(self.world.auditor):
            self.play(self.world.gate.close_post_review, self.identity(person), each["id"], "it was in order")

    @rule(number=ANYTHING, person=st.sampled_from(PEOPLE))
    def somebody_clears_the_run(self, number, person):
        self.world.host.clear(self.runs[self.chosen(number)], person)

    @rule(number=ANYTHING)
    def a_sealed_copy_is_changed(self, number):
        for path in sorted((self.folder / "sealed" / self.chosen(number)).rglob("*.parquet"))[:1]:
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"!")

    @rule(is_thick=st.booleans())
    def fog_at_the_destination(self, is_thick):
        self.fog.is_thick = is_thick

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
