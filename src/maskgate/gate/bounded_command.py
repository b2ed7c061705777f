"""A program that runs within a time limit, and of whose output no more is kept than was asked for.

When its time is over, it and what it started are ended, and nobody waits any longer: not even where a child got away
and still holds its output.
"""

from __future__ import annotations

import hashlib
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 1 << 16


@dataclass
class Stream:
    """What came out of one pipe: its beginning, its length, and the hash of all of it."""

    keep: int
    beginning: bytes = b""
    length: int = 0
    _hashed: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> str:
        """The hash of all that came."""
        return f"sha256:{self._hashed.hexdigest()}"

    def take(self, chunk: bytes) -> None:
        """Take what came."""
        self._hashed.update(chunk)
        self.length += len(chunk)
        self.beginning += chunk[: self.keep - len(self.beginning)]


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it printed."""

    exit_code: int
    output: Stream
    errors: Stream


def run_bounded(
    words: Sequence[str], environment: Mapping[str, str], seconds: float, *, keep: int = 0, keep_errors: int = 0
) -> Ended:
    """Run a program without a shell and without input.

    Args:
        words: The program and its arguments.
        environment: All that it sees of the environment.
        seconds: How long it may take.
        keep: How many bytes of its output to keep.
        keep_errors: The same of its error output.

    Raises:
        OSError: If it does not start.
        subprocess.TimeoutExpired: If its time was over. It was ended.
    """
    ended_by = time.monotonic() + seconds
    process = subprocess.Popen(  # noqa: S603  fixed words of the configuration, without a shell
        list(words),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if keep_errors else subprocess.DEVNULL,
        start_new_session=True,
    )
    output, errors = Stream(keep), Stream(keep_errors)
    try:
        pipes = ((process.stdout, output), (process.stderr, errors))
        _read_all({pipe: stream for pipe, stream in pipes if pipe is not None}, ended_by)
        return Ended(process.wait(_left(ended_by)), output, errors)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _read_all(pipes: Mapping[IO[bytes], Stream], ended_by: float) -> None:
    with selectors.DefaultSelector() as waiting:
        for pipe, stream in pipes.items():
            waiting.register(pipe, selectors.EVENT_READ, stream)
        while waiting.get_map():
            ready = waiting.select(_left(ended_by))
            for key, _ in ready:
                if chunk := os.read(key.fd, _CHUNK):
                    key.data.take(chunk)
                else:
                    waiting.unregister(key.fileobj)


def _left(ended_by: float) -> float:
    left = ended_by - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired("", 0)
    return left
