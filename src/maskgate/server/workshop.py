"""The gate's workshop: a process of its own for what needs Arrow and the methods, there while there is such work.

Reading rules and sealing take libraries as large as the rest of the gate, which no process gives back. A gate
mostly waits; so it lets another process do that, which ends when nothing has waited for a while.

* It is the same gate: same home, same configuration, same keys, same environment. It listens nowhere.
* It ends with the gate, whatever the gate dies of; what it leaves undone is done by the next start.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

_PROCESS = "maskgate.server.workshop_process"
_REST_SECONDS = 20.0


class Workshop:
    """Where the gate has things done that need what it does not load itself.

    Args:
        config: The gate's configuration.
        home: The gate's home.
        rest: After how many seconds without work the process ends.
    """

    def __init__(self, config: Path, home: Path, rest: float = _REST_SECONDS) -> None:
        self._arguments = [str(config), str(home)]
        self._rest = rest
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._asked_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def process_id(self) -> int:
        """Its process; 0 if there is none."""
        return 0 if self._process is None else self._process.pid

    def ask(self, task: str) -> Any:
        """Have something done, and return what came of it.

        Args:
            task: A name of :data:`maskgate.server.workshop_process.TASKS`.

        Raises:
            MaskgateError: What doing it raised; or that the process has died.
        """
        with self._asking:
            line = self._line or self._open()
            try:
                line.send(task)
                succeeded, answer = line.recv()
            except (EOFError, OSError):
                self._end()
                raise MaskgateError(f"the process that was to {task} has died. It is tried again.") from None
            self._asked_at = time.monotonic()
        if not succeeded:
            raise answer
        return answer

    def rest(self) -> None:
        """End the process, if nothing was asked of it for a while."""
        if self._process is None or not self._asking.acquire(blocking=False):
            return
        try:
            if time.monotonic() - self._asked_at > self._rest:
                self._end()
        finally:
            self._asking.release()

    def close(self) -> None:
        """End the process now, also in the middle of something."""
        self._end()

    def _open(self) -> Connection:
        ours, theirs = Pipe()
        descriptor = theirs.fileno()
        command = [sys.executable, "-P", "-m", _PROCESS, *self._arguments, str(descriptor)]
        with theirs:
            # A session of its own: who stops the gate at its terminal stops the gate, which then ends this.
            self._process = subprocess.Popen(  # noqa: S603  a module of ours, and paths of the operator's
                command, stdin=subprocess.DEVNULL, pass_fds=[descriptor], start_new_session=True
            )
        self._line = ours
        return ours

    def _end(self) -> None:
        line, process, self._line, self._process = self._line, self._process, None, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.wait()
