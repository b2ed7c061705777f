"""Who cleared a run, by Airflow's own audit log.

A clear is logged when somebody asks for it, whether it succeeded or not. Some name the run; one that names none, or
several, may have been about this one, and counts: it can only add to those who may not sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maskgate.gate.host import HostRun

IN_A_SHELL = "cli_task_clear"
CLEARS = (
    "post_clear_task_instances",
    "clear_dag_run",
    "clear_dag_runs",
    "clear_dag_run_partitions",
    IN_A_SHELL,
)
# What a log names that is about many runs.
_ANY = frozenset({None, "", "~"})


def who_cleared(logs: Iterable[Mapping[str, Any]], run: HostRun) -> Iterator[str]:
    """Go through the users who cleared a run; one of the operating system is written ``os:name``.

    Args:
        logs: Entries of the audit log, as the REST API gives them.
        run: The run.
    """
    for log in logs:
        owner, event = log.get("owner"), log.get("event")
        if event not in CLEARS or not isinstance(owner, str) or not owner:
            continue
        if log.get("run_id") == run.run_id or (log.get("run_id") in _ANY and _may_mean(log, run)):
            yield f"os:{owner}" if event == IN_A_SHELL else owner


def _may_mean(log: Mapping[str, Any], run: HostRun) -> bool:
    """Whether an entry without a run may be about this one: unless it lists runs, and not this one."""
    extra = str(log.get("extra") or "")
    return '"dag_run' not in extra or run.run_id in extra
