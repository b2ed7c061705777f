"""Starts programs, waits until they answer, and stops every one of them again.

* Each program leads a session of its own, so that Ctrl-C in a terminal reaches the demo alone, and the demo then stops
  the programs in good order: the last one started first.
* What a program starts belongs to it: Airflow puts each task into a process group of its own, so a program is stopped
  by its session, not only by its group.
* Nothing is ever ended by name, only by the id that this module was given when it started it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
_LAST_GASP = 5.0  # seconds for the kernel to bury what was killed
T = TypeVar("T")


class StartFailure(Exception):  # noqa: N818  the failure of a start
    """A program ended, or did not answer in time. The message ends with the last lines of its log."""


def program(environment: str, name: str) -> Path:
    """Return a program of one of the environments that ``make`` sets up.

    ``MASKGATE_VENV`` names another folder of environments than ``.venv`` in the repository.

    Raises:
        StartFailure: If the environment is not there.
    """
    root = Path(os.environ.get("MASKGATE_VENV", REPOSITORY / ".venv"))
    found = root / environment / "bin" / name
    if not found.exists():
        raise StartFailure(f"there is no {found}. `make .venv/{environment}/.ready` sets that environment up.")
    return found


def free_port(preferred: int = 0, *, say: Callable[[str], None] | None = None, what: str = "") -> int:
    """Return the preferred port if it is free, else another one, and say so."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError:
            chosen = free_port()
            if say is not None:
                say(f"port {preferred} is in use; {what or 'the program'} takes {chosen}")
            return chosen
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Program:
    """A running program and its log."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    def tail(self, lines: int = 25) -> str:
        """Return the end of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, grace: float = 10.0) -> None:
        """End it and all that it started: first asked by TERM, after the grace period by KILL."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and (self.is_running or _members(self.popen.pid)):
            time.sleep(0.1)
        self.kill()

    def kill(self) -> None:
        """End it and all that it started, now, as a power cut would."""
        self._signal(signal.SIGKILL)
        self.popen.wait()
        deadline = time.monotonic() + _LAST_GASP
        while time.monotonic() < deadline and _members(self.popen.pid):
            time.sleep(0.02)

    def _signal(self, number: int) -> None:
        for process in {self.popen.pid, *_members(self.popen.pid)}:
            # A process that has been waited for is gone, and its id may belong to somebody else.
            if process == self.popen.pid and not self.is_running:
                continue
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue


def _members(session: int) -> set[int]:
    """Return the living processes of one session. Where there is no /proc: those of the group are all we know."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.add(int(entry.parent.name))
    return found


class Processes:
    """The programs that one demo, or one test, has started.

    Leaving the ``with`` block stops them all, whatever the reason for leaving.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._programs: list[Program] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> Program:
        """Start a program in the background; its output goes to ``<logs>/<name>.log``."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603  the commands are ours
                [str(part) for part in command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Program(name, popen, log)
        self._programs.append(started)
        return started

    def run(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], timeout: float = 180) -> None:
        """Run a program to its end.

        Raises:
            StartFailure: If it fails, or takes longer than the timeout (in seconds).
        """
        started = self.start(name, command, env=env)
        try:
            code = started.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise StartFailure(f"{name} took longer than {timeout:.0f} s.\n{started.tail()}") from None
        finally:
            # At once, while its id cannot belong to anybody else.
            started.kill()
            self._programs.remove(started)
        if code != 0:
            raise StartFailure(f"{name} failed with exit code {code}.\n{started.tail()}")

    def stop_all(self) -> None:
        """Stop what still runs, the last one started first. A second Ctrl-C does not leave half of it running."""
        with _undisturbed():
            while self._programs:
                self._programs.pop().stop()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C and TERM for a while. Only the main thread gets them, so others need not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_until(check: Callable[[], T | None], *, what: str, timeout: float, program: Program | None = None) -> T:
    """Ask again and again until there is an answer.

    Args:
        check: Returns None, or anything empty, while the answer is not there yet.
        what: What is waited for, for the message.
        timeout: Seconds.
        program: The program whose end, or silence, the failure is blamed on.

    Raises:
        StartFailure: If the program ends or the time is over, with the end of the program's log.
    """
    deadline = time.monotonic() + timeout
    pause = 0.1
    while True:
        answer = check()
        log = "" if program is None else f" The end of {program.log}:\n{program.tail()}"
        # First of all: a program that found its port taken has ended, and whoever has the port answers in its place.
        if program is not None and not program.is_running:
            raise StartFailure(f"{program.name} ended while waiting until {what}.{log}")
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise StartFailure(f"waited {timeout:.0f} s, but not until {what}.{log}")
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def wait_for_url(url: str, program: Program, *, timeout: float = 120) -> None:
    """Wait until a program answers a URL with 200."""

    def answers() -> bool:
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    wait_until(answers, what=f"{program.name} answers {url}", timeout=timeout, program=program)


def exit_on_term() -> None:
    """Let TERM unwind the stack like Ctrl-C does, so that ``with`` blocks stop what they started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A shell that starts a program in the background lets it ignore Ctrl-C; a demo still has to stop what it started.
    signal.signal(signal.SIGINT, signal.default_int_handler)
