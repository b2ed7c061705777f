"""An orchestrator that lives in memory and does what its script says: a real implementation of the gate's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from maskgate.errors import HostUnreachable, NotFound
from maskgate.gate.host import Clears, HostAnswer, HostRun, Responder, RunFacts, RunOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.clock import Clock

PARKED = "awaiting_input"


def airflow_run(run_id: str = "manual__1", *, task_id: str = "approve", try_number: int = 1) -> HostRun:
    """Return the identity of a run of the DAG ``export``."""
    return HostRun("airflow", "prod", run_id, "export", task_id, -1, try_number)


@dataclass
class ScriptedHost:
    """One Airflow, with its runs, the questions they ask, and the answers people give.

    Attributes:
        clock: What time it is there.
        is_reachable: Whether it answers at all.
        runs: The facts of each run, by run id.
        questions: What each run's task asks and was answered, by run id.
        outcomes: How each run is shown by now, by run id.
        woken: Every waking: run id, and whether as approved.
        notes: Every note: run id and text.
    """

    clock: Clock
    is_reachable: bool = True
    runs: dict[str, RunFacts] = field(default_factory=dict)
    questions: dict[str, HostAnswer] = field(default_factory=dict)
    outcomes: dict[str, RunOutcome] = field(default_factory=dict)
    woken: list[tuple[str, bool]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The gate's own account there."""
        return ("airflow:prod|gate",)

    def add_run(
        self,
        run: HostRun,
        *,
        triggered_by: tuple[str, ...] = (),
        owners: tuple[str, ...] = (),
        cleared_by: tuple[str, ...] = (),
        cleared_unseen: bool = False,
        code_version: str | None = None,
    ) -> None:
        """Start a run, as a person or, without one, by schedule."""
        self.runs[run.run_id] = RunFacts(
            workflow=run.dag_id,
            triggered_by=tuple(f"airflow:prod|{name}" for name in triggered_by),
            owners=tuple(f"airflow:prod|{name}" for name in owners),
            task_instance_id=f"ti-{run.run_id}-{run.try_number}",
            try_number=run.try_number,
            state="running",
            cleared_by=tuple((f"airflow:prod|{name}",) for name in cleared_by),
            cleared_unseen=cleared_unseen,
            code_version=code_version,
        )

    def park(self, run: HostRun, question: Mapping[str, Any], **changes: Any) -> None:
        """Ask a question and park; asking again forgets the answer."""
        facts = self.runs[run.run_id]
        self.runs[run.run_id] = replace(facts, state=PARKED, parked=True)
        stored = HostAnswer(
            subject=question["subject"],
            body=question["body"],
            options=tuple(question["options"]),
            params=question["params"],
            task_instance_id=facts.task_instance_id,
            try_number=facts.try_number,
            state=PARKED,
        )
        self.questions[run.run_id] = replace(stored, **changes)

    def answer(
        self, run: HostRun, name: str | None, chosen: str = "Approve", reason: str | None = None, **changes: Any
    ) -> None:
        """Answer as a user; None is a time-out."""
        at: datetime = self.clock.now()
        given = replace(
            self.questions[run.run_id],
            chosen_options=(chosen,),
            params_input={"reason": reason},
            responded_at=at,
            responded_by=None if name is None else Responder(name, name),
        )
        self.questions[run.run_id] = replace(given, **changes)
        self.resume(run)

    def resume(self, run: HostRun, state: str = "running") -> None:
        """Leave the parked state."""
        self.runs[run.run_id] = replace(self.runs[run.run_id], state=state, parked=False)

    def read_run(self, run: HostRun) -> RunFacts:
        """Read the facts of a run."""
        self._must_answer()
        if run.run_id not in self.runs:
            raise NotFound(f"{run.host} knows no such run")
        return self.runs[run.run_id]

    def clear(self, run: HostRun, name: str | None) -> None:
        """Clear tasks of a run as a user; None is somebody of whom the host says nothing."""
        facts = self.runs[run.run_id]
        if name is None:
            self.runs[run.run_id] = replace(facts, cleared_unseen=True)
        else:
            self.runs[run.run_id] = replace(facts, cleared_by=(*facts.cleared_by, (f"airflow:prod|{name}",)))

    def read_clears(self, run: HostRun) -> Clears:
        """Read who cleared tasks of a run by now."""
        facts = self.read_run(run)
        return Clears(facts.cleared_by, unseen=facts.cleared_unseen)

    def read_outcome(self, run: HostRun) -> RunOutcome:
        """Read how a run is shown: the outcome that the script sets, or still running."""
        self._must_answer()
        return self.outcomes.get(run.run_id, RunOutcome("running", is_over=False, is_success=False))

    def read_answer(self, run: HostRun) -> HostAnswer | None:
        """Read the question and answer of a run's task."""
        self._must_answer()
        return self.questions.get(run.run_id)

    def wake(self, run: HostRun, *, approved: bool) -> None:
        """Answer a parked task."""
        self._must_answer()
        if not self.runs[run.run_id].parked:
            raise HostUnreachable("the task is not parked")
        self.woken.append((run.run_id, approved))
        self.answer(run, "gate", "Approve" if approved else "Reject")

    def note(self, run: HostRun, text: str) -> None:
        """Keep a note."""
        self._must_answer()
        self.notes.append((run.run_id, text))
        self.runs[run.run_id] = replace(self.runs[run.run_id], note=text)

    def _must_answer(self) -> None:
        if not self.is_reachable:
            raise HostUnreachable("the scripted host does not answer")
