"""The threads beside the web: sealing, releasing, sweeping, telling people.

What is to do stands in the database, so a thread that dies, or a process, forgets nothing: the next start goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOG = logging.getLogger("maskgate.background")
_LONGEST_PAUSE = 30.0
_SHORTEST_ROUND = 0.05
"""Where a task is woken again and again, it looks so often; after a rest it looks at once."""


@dataclass(frozen=True)
class Task:
    """Something to do again and again.

    Attributes:
        name: What the log calls it.
        step: Does one piece of work; says whether there may be more right now.
        pause: Seconds to wait when there is none, unless woken.
    """

    name: str
    step: Callable[[], bool]
    pause: float


class Background:
    """Runs each task in a thread of its own, until stopped."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._stopping = threading.Event()
        self._bells = [threading.Event() for _ in tasks]
        self._threads = [
            threading.Thread(target=self._run, args=(task, bell), name=f"maskgate-{task.name}", daemon=True)
            for task, bell in zip(tasks, self._bells, strict=True)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that there may be something to do now."""
        for bell in self._bells:
            bell.set()

    def stop(self, patience: float = 1.5) -> None:
        """Ask the threads to end, and wait so many seconds in all. What is left undone is done by the next start."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(patience / max(1, len(self._threads)))

    @property
    def is_stopping(self) -> bool:
        """Whether the process is about to end."""
        return self._stopping.is_set()

    def _run(self, task: Task, bell: threading.Event) -> None:
        failures = 0
        while not self.is_stopping:
            bell.clear()
            more, begun = False, time.monotonic()
            try:
                more = task.step()
                failures = 0
            except Exception as error:  # noqa: BLE001  whatever it was, the next piece of work deserves its turn
                failures += 1
                # The kind alone: a message of a foreign library could quote a value of the data.
                _LOG.warning("%s failed (%s); it goes on", task.name, type(error).__name__)
            if not more:
                bell.wait(min(task.pause * 2**failures, _LONGEST_PAUSE))
                self._stopping.wait(max(0.0, begun + _SHORTEST_ROUND - time.monotonic()))
