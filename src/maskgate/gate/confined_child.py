"""The gate's side of the measuring child: start it with nothing, bound it, believe none of its words.

The answer is checked as strictly as a manifest: a hostile file may have taken the child over.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import Refused
from maskgate.gate.confinement import HOOK, NAMESPACE
from maskgate.gate.staged_names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.gate.model import Limits
    from maskgate.gate.staging_cipher import StagingKey

_LARGEST_ANSWER = 64 << 20
_POLL_SECONDS = 0.5
_SPARE_SECONDS = 30
# Arrow's default allocator reserves much more address space than it uses, which would count against the limit.
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}

_REASONS = {
    "corrupt": "cannot be read as Parquet to its end. Write it again, with `mask_bundle`",
    "metadata": "holds key-value metadata, which can carry originals. Write it without, as `mask_bundle` does",
    "schema": "has another schema than the first file of its table. Write all parts of a table alike",
    "columns": "has two columns of the same name. Rename one of them",
    "groups": "has more combinations of the policy's quasi-identifiers than fit into the memory that the gate gives to "
    "one request, so k cannot be counted. Generalize these columns more",
    "memory": "needs more memory than the gate gives to one request. Write smaller row groups and shorter cells",
}


@dataclass(frozen=True)
class Answer:
    """What a child answered: how it was kept from the network, and what it says about each table, unchecked."""

    network: str
    tables: Mapping[str, Any]


def ask(
    task: Mapping[str, Any], limits: Limits, progress: Callable[[int], None], key: StagingKey | None = None
) -> Answer:
    """Let a child process do a task on sealed files.

    Args:
        task: What :mod:`maskgate.gate.measuring` takes.
        limits: Memory, and processor seconds; wall time is twice that, and some.
        progress: Called with the bytes of each file that is done; what it raises ends the child.
        key: What these files are encrypted by; it goes to the child alone, and by no file.

    Raises:
        Refused: If the files cannot be measured, or the child dies, takes too long, or answers nonsense.
    """
    bounded = {**task, "memory_bytes": limits.seal_memory_mb << 20, "cpu_seconds": limits.seal_seconds}
    # A file rather than a pipe: a child that dies early cannot block or break the writing.
    with tempfile.TemporaryFile() as stdin, _handed(key) as handed:
        bounded["key"] = None if key is None else {"staging": key.staging, "descriptor": handed[0]}
        stdin.write(json.dumps(bounded).encode())
        stdin.seek(0)
        with subprocess.Popen(
            [sys.executable, "-I", "-m", "maskgate.gate.measuring"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a crash report could quote the data
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            pass_fds=handed,
        ) as child:
            try:
                return _listen(child, time.monotonic() + 2 * limits.seal_seconds + _SPARE_SECONDS, progress)
            finally:
                child.kill()


@contextmanager
def _handed(key: StagingKey | None) -> Iterator[tuple[int, ...]]:
    """Put a key into a pipe, for a child to read; it is shorter than what a pipe takes at once."""
    if key is None:
        yield ()
        return
    reading, writing = os.pipe()
    try:
        os.write(writing, key.exposed())
        os.close(writing)
        yield (reading,)
    finally:
        os.close(reading)


def _listen(child: subprocess.Popen[bytes], deadline: float, progress: Callable[[int], None]) -> Answer:
    answer: dict[str, Any] | None = None
    for line in _lines(child, deadline):
        said = _object(line)
        if "bytes" in said:
            progress(checked_count(said["bytes"]))
        elif "refused" in said:
            raise _refusal(said)
        else:
            answer = said
    child.wait(timeout=_SPARE_SECONDS)
    if child.returncode != 0 or answer is None:
        raise Refused(
            "measuring the staged files took more memory or time than the gate gives to one request, or crashed. "
            "Nothing was released. Write smaller row groups, or ask the operator to raise `limits:`."
        )
    result = answer.get("result")
    if not isinstance(result, dict) or result.get("network") not in {NAMESPACE, HOOK}:
        raise nonsense()
    return Answer(network=result["network"], tables=checked_object(result.get("tables")))


def _lines(child: subprocess.Popen[bytes], deadline: float) -> Iterator[bytes]:
    pipe = child.stdout
    if pipe is None:
        raise nonsense()
    pending, size = bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if time.monotonic() > deadline:
                raise Refused("measuring the staged files took too long. Stage less at a time, or ask for more time.")
            if not selector.select(_POLL_SECONDS):
                continue
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                return
            size += len(chunk)
            if size > _LARGEST_ANSWER:
                raise nonsense()
            first, *others = chunk.split(b"\n")
            pending += first
            for other in others:
                yield bytes(pending)
                pending = bytearray(other)


def _object(line: bytes) -> dict[str, Any]:
    try:
        return checked_object(json.loads(line))
    except (ValueError, RecursionError):
        raise nonsense() from None


def _refusal(said: Mapping[str, Any]) -> Refused:
    reason = _REASONS.get(str(said["refused"]))
    if reason is None:
        return nonsense()
    path = said.get("path")
    return Refused(f"{shown(path) if isinstance(path, str) and path else 'a staged file'} {reason}.")


def nonsense() -> Refused:
    """Refuse because the child's answer is not one."""
    return Refused("measuring the staged files gave no usable answer, as if a file had taken it over. Mask again.")


def checked_object(value: Any) -> dict[str, Any]:
    """Return a JSON object of the answer, or refuse."""
    if not isinstance(value, dict):
        raise nonsense()
    return value


def checked_list(value: Any, at_most: int) -> list[Any]:
    """Return a JSON list of the answer, or refuse."""
    if not isinstance(value, list) or len(value) > at_most:
        raise nonsense()
    return value


def checked_count(value: Any) -> int:
    """Return a count of the answer, or refuse."""
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise nonsense()
    return value


def checked_text(value: Any, at_most: int = 1000) -> str:
    """Return a text of the answer that a page can show, or refuse."""
    if not isinstance(value, str) or len(value) > at_most or not value.isprintable():
        raise nonsense()
    return value
