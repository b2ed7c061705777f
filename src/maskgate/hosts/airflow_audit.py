"""Who cleared a run, by Airflow's own audit log, and whether somebody did of whom that says nothing.

A clear is logged when somebody asks for it, whether it succeeded or not. Some entries name the run; one that names
none, or several, may have been about this one, and counts: it can only add to those who may not sign.

All entries since the run are read, page by page. Where there are more than the gate reads, one of them may be about it.

Airflow 3.3 shows entries about *every* DAG to nobody (`/dags/~/clearDagRuns`, or a shell's clear by a pattern of DAGs).
What the run's tasks tell of such a clear is in ``airflow_reruns.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from maskgate.errors import HostUnreachable
from maskgate.gate.host import Clears
from maskgate.hosts.airflow_moments import moment
from maskgate.hosts.airflow_reruns import was_cleared_unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

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
_LOGS_AT_ONCE, _MOST_LOG_PAGES = 100, 50


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
    logs, are_all = _logs(ask, run, dag_run.get("run_after"))
    found = list(who_cleared(logs, run))
    names = dict.fromkeys(name for name, _ in found)
    queued, seen = moment(dag_run.get("queued_at")), [at for _, at in found]
    unseen = not are_all or was_cleared_unseen(ask, path, queued, seen)
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


def _logs(ask: Ask, run: HostRun, began: str | None) -> tuple[list[Mapping[str, Any]], bool]:
    """Read the entries that may be about a run's clears, the oldest first, and whether these are all.

    A server may give out fewer at once than it is asked for; how many there are, it says.
    """
    wanted: dict[str, Any] = {"dag_id": run.dag_id, "included_events": list(CLEARS), "limit": _LOGS_AT_ONCE}
    wanted["order_by"] = "id"
    if began:  # a clear moves the other times
        wanted["after"] = began
    logs: list[Mapping[str, Any]] = []
    for _ in range(_MOST_LOG_PAGES):
        page = ask(f"/eventLogs?{urlencode({**wanted, 'offset': len(logs)}, doseq=True)}")
        found, total = page.get("event_logs"), page.get("total_entries")
        if not isinstance(found, list) or not isinstance(total, int):
            raise HostUnreachable(f"{run.host} did not say who cleared the run; the gate tries again")
        logs += found
        if len(logs) >= total:
            return logs, True
        if not found:
            break
    return logs, False


def _may_mean(log: Mapping[str, Any], run: HostRun) -> bool:
    """Whether an entry without a run may be about this one: unless it lists runs, and not this one."""
    extra = str(log.get("extra") or "")
    return '"dag_run' not in extra or run.run_id in extra
