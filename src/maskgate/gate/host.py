"""What the gate asks of an orchestrator: the facts of a run, a person's answer, and to wake a parked task.

The gate reads these itself, from the instance that its own configuration names, with its own account. What a worker
says about a run is never evidence; a worker only says *which* run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from maskgate.errors import HostUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Clears", "Host", "HostAnswer", "HostRun", "HostUnreachable", "Responder", "RunFacts"]

_LONGEST = 500


@dataclass(frozen=True)
class HostRun:
    """Which run of which orchestrator asks.

    Attributes:
        kind: ``airflow`` or ``prefect``.
        instance: What the gate's configuration calls the instance.
        run_id: Airflow's ``run_id``, or Prefect's flow run id.
        dag_id: Airflow only.
        task_id: Airflow only.
        map_index: Airflow only; -1 if the task is not mapped.
        try_number: Airflow only.
    """

    kind: str
    instance: str
    run_id: str
    dag_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1

    @property
    def host(self) -> str:
        """The instance as accounts spell it, such as ``airflow:prod``."""
        return f"{self.kind}:{self.instance}"

    @property
    def parks(self) -> bool:
        """Whether its tasks park and wait for an answer, rather than ask the gate again and again."""
        return self.kind == "airflow"

    @property
    def identity(self) -> dict[str, Any]:
        """Whose grant it is: the run, not the task or the try, so that another task of the run can release."""
        if self.kind == "prefect":
            return {"kind": self.kind, "instance": self.instance, "flow_run_id": self.run_id}
        return {
            "kind": self.kind,
            "instance": self.instance,
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "map_index": self.map_index,
        }

    def as_json(self) -> dict[str, Any]:
        """Return it as the REST API spells it."""
        if self.kind == "prefect":
            return self.identity
        return {**self.identity, "task_id": self.task_id, "try_number": self.try_number}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HostRun:
        """Read what a caller sent.

        Raises:
            UsageError: If a field is missing, unknown or of the wrong type.
        """
        kind: Any = value.get("kind")
        if kind not in _FIELDS:
            raise UsageError('host: "kind" must be "airflow" or "prefect"')
        fields = _FIELDS[kind]
        for name in value:
            if name not in fields and name != "kind":
                raise UsageError(f"host: a run of {kind} has no field {str(name)[:40]!r}; it has {', '.join(fields)}")
        for name, wanted in fields.items():
            given: Any = value.get(name, -1 if name == "map_index" else None)
            if not isinstance(given, wanted) or isinstance(given, bool) or given == "":
                raise UsageError(f'host: "{name}" must be {"a number" if wanted is int else "text"}')
            if len(str(given)) > _LONGEST or not str(given).isprintable():
                raise UsageError(f'host: "{name}" must be printable text of at most {_LONGEST} characters')
        if kind == "prefect":
            return cls(kind, value["instance"], value["flow_run_id"])
        return cls(
            kind,
            value["instance"],
            value["run_id"],
            value["dag_id"],
            value["task_id"],
            value.get("map_index", -1),
            value["try_number"],
        )


_FIELDS: dict[Any, dict[str, type]] = {
    "airflow": {"instance": str, "dag_id": str, "run_id": str, "task_id": str, "map_index": int, "try_number": int},
    "prefect": {"instance": str, "flow_run_id": str},
}


NOTE = "Maskgate: "  # what notes of the gate begin with


@dataclass(frozen=True)
class RunFacts:
    """What the host itself says about a run.

    Attributes:
        workflow: The DAG's or the flow's name, for ``requesters:`` of the policy.
        triggered_by: Accounts of the one person who started it, such as ``airflow:prod|requester``; empty if nobody
            did (a schedule) or the host does not say.
        owners: Accounts of the workflow's owners.
        task_instance_id: What the host calls the task instance that asks; None if the host has no such thing.
        try_number: Which try it is; None likewise.
        state: The state of the task instance (or flow run), in the host's words.
        parked: Whether the task is parked, waiting for an answer.
        parked_since: Since when, if the host says so; otherwise the gate goes by its own first look.
        cleared_by: Accounts of everyone who cleared tasks of the run, the accounts of one person together.
        cleared_unseen: Whether somebody cleared tasks of it of whom the host says nothing.
        code_version: The version of the code that the run uses, where the host knows one.
        note: What stands beside the task instance, where the host has such notes.
    """

    workflow: str
    triggered_by: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    task_instance_id: str | None = None
    try_number: int | None = None
    state: str = ""
    parked: bool = False
    parked_since: datetime | None = None
    cleared_by: tuple[tuple[str, ...], ...] = ()
    cleared_unseen: bool = False
    code_version: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Clears:
    """Who cleared tasks of a run, so that they ran again.

    Attributes:
        by: Their accounts, those of one person together.
        unseen: Whether somebody did of whom the host says nothing.
    """

    by: tuple[tuple[str, ...], ...] = ()
    unseen: bool = False


@dataclass(frozen=True)
class RunOutcome:
    """How a host shows a whole run.

    Attributes:
        state: Its state, in the host's words.
        is_over: Whether it has ended.
        is_success: Whether it has ended well.
        released_by: A task that releases, and is shown as successful; empty if there is none, or the host has no such
            thing.
    """

    state: str
    is_over: bool
    is_success: bool
    released_by: str = ""


@dataclass(frozen=True)
class Responder:
    """Who answered, as the host recorded it: a user id and a user name."""

    id: str
    name: str


@dataclass(frozen=True)
class HostAnswer:
    """A question as the host stores it, and the answer to it, if there is one.

    Attributes:
        subject: The question's heading, as stored.
        body: Its Markdown, as stored.
        options: The buttons, in order.
        params: For each field of the form exactly ``{"value", "description", "schema"}``, as stored.
        defaults: Options that a time-out would choose; None if there are none.
        multiple: Whether several options may be chosen.
        chosen_options: What was chosen.
        params_input: What was filled in.
        responded_at: When; None if nobody has answered.
        responded_by: Who; None if nobody did (a time-out).
        task_instance_id: Which task instance the record belongs to.
        try_number: Which try.
        state: The task instance's state now, in the host's words.
    """

    subject: str
    body: str | None
    options: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    defaults: tuple[str, ...] | None = None
    multiple: bool = False
    chosen_options: tuple[str, ...] = ()
    params_input: Mapping[str, Any] = field(default_factory=dict)
    responded_at: datetime | None = None
    responded_by: Responder | None = None
    task_instance_id: str | None = None
    try_number: int | None = None
    state: str = ""


class Host(Protocol):
    """One registered instance of an orchestrator, seen with the gate's own account."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The gate's own accounts there, such as ``airflow:prod|gate``: their answers are no person's."""
        ...

    def read_run(self, run: HostRun) -> RunFacts:
        """Read the facts of a run.

        Raises:
            Refused: If there is no such run.
            HostUnreachable: If the host does not answer.
        """
        ...

    def read_clears(self, run: HostRun) -> Clears:
        """Read who cleared tasks of a run by now.

        Raises:
            Refused: If there is no such run.
            HostUnreachable: If the host does not answer.
        """
        ...

    def read_outcome(self, run: HostRun) -> RunOutcome:
        """Read how the run of a request is shown by now, for comparing it with what was released.

        Raises:
            Refused: If there is no such run.
            HostUnreachable: If the host does not answer.
        """
        ...

    def read_answer(self, run: HostRun) -> HostAnswer | None:
        """Read the question and answer of a task; None if it has asked nothing.

        Raises:
            Refused: If there is no such task.
            HostUnreachable: If the host does not answer.
        """
        ...

    def wake(self, run: HostRun, *, approved: bool) -> None:
        """Answer a parked task, so that the pipeline moves on; the gate calls it only for a task parked for 8 s.

        Raises:
            HostUnreachable: If the host does not answer, or does not take it.
        """
        ...

    def note(self, run: HostRun, text: str) -> None:
        """Write a line where people see it beside the task.

        Raises:
            HostUnreachable: If the host does not answer, or does not take it.
        """
        ...
