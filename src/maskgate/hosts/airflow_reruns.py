"""What a run's tasks tell of clears that no entry names: whatever clears a task has it run again.

* A run that was queued after a task of it had started was cleared.
* So was a task that was tried again after it had succeeded. Airflow retries by itself only what failed, and keeps every
  try, so this also shows clears before the last one.
* Where there are more tasks than the gate reads, one of them may have been cleared.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from maskgate.hosts.airflow_moments import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Ask = Callable[[str], Mapping[str, Any]]

# A clear is logged before it is carried out, by one process; a worker's clock may go after the server's.
BEFORE, AFTER = timedelta(seconds=30), timedelta(seconds=1)
_TASKS_AT_ONCE, _MOST_PAGES, _MOST_RETRIED = 100, 50, 100
_NOT_RETRIED = frozenset({"success", "skipped"})
_NEVER = datetime.max.replace(tzinfo=UTC)


def was_cleared_unseen(ask: Ask, path: str, queued: datetime | None, seen: Collection[datetime]) -> bool:
    """Whether tasks of a run were cleared, and no entry is about that.

    Args:
        ask: Reads one object of the REST API.
        path: The run's own path.
        queued: When the run was last queued.
        seen: When somebody cleared it, by entries.

    Raises:
        HostUnreachable: If Airflow does not answer as it should.
    """
    tasks, are_all = _tasks(ask, path)
    retried = [task for task in tasks if int(task.get("try_number") or 0) > 1]
    if not are_all or len(retried) > _MOST_RETRIED:
        return True
    tries = [_tries(ask, path, task) for task in retried]
    if queued is not None and not any(queued - BEFORE <= at <= queued + AFTER for at in seen):
        started = [_started(each) for each in (*tasks, *(each for found in tries for each in found))]
        if any(at < queued for at in started):
            return True
    return any(_ran_again_unseen(found, seen) for found in tries)


def _ran_again_unseen(tries: list[Mapping[str, Any]], seen: Collection[datetime]) -> bool:
    """Whether a task ran again after it had ended well, and no entry is about that; each entry explains one try."""
    in_order = sorted(tries, key=lambda each: int(each.get("try_number") or 0))
    left = sorted(seen)
    for earlier, later in pairwise(in_order):
        if earlier.get("state") not in _NOT_RETRIED or _started(later) == _NEVER:
            continue
        about = next((at for at in left if _since(earlier) - BEFORE <= at <= _started(later)), None)
        if about is None:
            return True
        left.remove(about)
    return False


def _since(earlier: Mapping[str, Any]) -> datetime:
    """From when on a clear may have been about a try; one that was skipped never started, and only has an end."""
    return min(_started(earlier), moment(earlier.get("end_date")) or _NEVER)


def _tasks(ask: Ask, path: str) -> tuple[list[Mapping[str, Any]], bool]:
    """Read the tasks of a run, and whether these are all."""
    found: list[Mapping[str, Any]] = []
    for _ in range(_MOST_PAGES):
        asked = urlencode({"limit": _TASKS_AT_ONCE, "offset": len(found), "order_by": "start_date"})
        page = ask(f"{path}/taskInstances?{asked}")
        some = page.get("task_instances") or []
        found += some
        if len(found) >= int(page.get("total_entries") or 0):
            return found, True
        if not some:
            break
    return found, False


def _tries(ask: Ask, path: str, task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    index = int(task.get("map_index", -1))
    own = f"{path}/taskInstances/{quote(str(task.get('task_id')), safe='')}{'' if index < 0 else f'/{index}'}"
    return list(ask(f"{own}/tries").get("task_instances") or [])


def _started(task: Mapping[str, Any]) -> datetime:
    return moment(task.get("start_date")) or _NEVER
