"""Who cleared a run, by Airflow's own audit log, and whether somebody did of whom that says nothing.

A clear is logged when somebody asks for it, whether it succeeded or not. Some entries name the run; one that names
none, or several, may have been about this one, and counts: it can only add to those who may not sign.

Airflow 3.3 shows entries about *every* DAG to nobody (`/dags/~/clearDagRuns`, or a shell's clear by a pattern of DAGs).
But whatever clears tasks of a run queues it again. So a run that was queued after a task of it had started, while no
entry says so, was cleared by somebody unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from maskgate.errors import HostUnreachable
from maskgate.gate.host import Clears

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from maskgate.gate.host import HostRun

    Ask = Callable[[str], Mapping[str, Any]]

_IN_A_SHELL = frozenset({"cli_task_clear", "cli_dag_clear", "cli_clear"})
_QUEUES_AGAIN = "patch_dag_run"
CLEARS = (
    "post_clear_task_instances",
    "clear_dag_run",
    "clear_dag_runs",
    "clear_dag_run_partitions",
    _QUEUES_AGAIN,
    *sorted(_IN_A_SHELL),
)
# What a log names that is about many runs.
_ANY = frozenset({None, "", "~"})
# A clear is logged before it is carried out, by one process.
_BEFORE, _AFTER = timedelta(seconds=30), timedelta(seconds=1)
_LOGS_AT_ONCE, _MOST_LOG_PAGES = 100, 20
_MOST_TASKS, _MOST_RETRIED = 100, 20


def read_clears(ask: Ask, run: HostRun, dag_run: Mapping[str, Any], path: str, account: Callable[[str], str]) -> Clears:
    """Read who cleared tasks of a run.

    Args:
        ask: Reads one object of the REST API.
        run: The run.
        dag_run: What Airflow says of it.
        path: The run's own path.
        account: Spells a user as an account.

    Raises:
        HostUnreachable: If Airflow does not answer as it should.
    """
    logs = _logs(ask, run, dag_run.get("run_after"))
    names = dict.fromkeys(name for name, _ in who_cleared(logs, run))
    queued = moment(dag_run.get("queued_at"))
    is_known = queued is None or any(queued - _BEFORE <= at <= queued + _AFTER for _, at in who_cleared(logs, run))
    unseen = not is_known and queued is not None and _had_begun(ask, path, queued)
    return Clears(tuple((account(name),) for name in names), unseen=unseen)


def who_cleared(logs: Iterable[Mapping[str, Any]], run: HostRun) -> Iterator[tuple[str, datetime]]:
    """Go through the users who cleared a run, and when; one of the operating system is written ``os:name``.

    Args:
        logs: Entries of the audit log, as the REST API gives them.
        run: The run.
    """
    for log in logs:
        owner, event, at = log.get("owner"), log.get("event"), moment(log.get("when"))
        if event not in CLEARS or not isinstance(owner, str) or not owner or at is None:
            continue
        if event == _QUEUES_AGAIN and '"queued"' not in str(log.get("extra") or ""):
            continue
        if log.get("run_id") == run.run_id or (log.get("run_id") in _ANY and _may_mean(log, run)):
            yield f"os:{owner}" if event in _IN_A_SHELL else owner, at


def moment(value: str | None) -> datetime | None:
    """Read a time as Airflow writes it.

    Raises:
        HostUnreachable: If it is none.
    """
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise HostUnreachable("Airflow's answer has a time that is none; the gate tries again") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _logs(ask: Ask, run: HostRun, began: str | None) -> list[Mapping[str, Any]]:
    wanted: dict[str, Any] = {"dag_id": run.dag_id, "included_events": list(CLEARS), "limit": _LOGS_AT_ONCE}
    if began:  # a clear moves the other times
        wanted["after"] = began
    logs: list[Mapping[str, Any]] = []
    for page in range(_MOST_LOG_PAGES):
        found = ask(f"/eventLogs?{urlencode({**wanted, 'offset': page * _LOGS_AT_ONCE}, doseq=True)}").get("event_logs")
        if not isinstance(found, list):
            raise HostUnreachable(f"{run.host} did not say who cleared the run; the gate tries again")
        logs += found
        if len(found) < _LOGS_AT_ONCE:
            break
    return logs


def _may_mean(log: Mapping[str, Any], run: HostRun) -> bool:
    """Whether an entry without a run may be about this one: unless it lists runs, and not this one."""
    extra = str(log.get("extra") or "")
    return '"dag_run' not in extra or run.run_id in extra


def _had_begun(ask: Ask, path: str, queued: datetime) -> bool:
    """Whether a task of the run had started before the run was queued."""
    asked = urlencode({"limit": _MOST_TASKS, "order_by": "start_date"})
    tasks = ask(f"{path}/taskInstances?{asked}").get("task_instances") or []
    if any(_started(task) < queued for task in tasks):
        return True
    tried = [task for task in tasks if int(task.get("try_number") or 0) > 1]
    return any(_started(each) < queued for task in tried[:_MOST_RETRIED] for each in _tries(ask, path, task))


def _tries(ask: Ask, path: str, task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    index = int(task.get("map_index", -1))
    own = f"{path}/taskInstances/{quote(str(task.get('task_id')), safe='')}{'' if index < 0 else f'/{index}'}"
    return list(ask(f"{own}/tries").get("task_instances") or [])


def _started(task: Mapping[str, Any]) -> datetime:
    return moment(task.get("start_date")) or datetime.max.replace(tzinfo=UTC)
