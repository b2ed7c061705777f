"""A command that runs once, after somebody has signed exactly this: its words, its environment, its script.

* There is no shell. The program is found before anybody is asked, and what was found is what runs.
* The command sees the environment that was named, and nothing else. What it holds is signed by digest, as is the text
  on its standard input: none.
* The program's own bytes and those of its script are hashed from the file that is kept open, and run from there, so
  that another file put in its place is not what runs.
* Of what it prints, the gate learns length and hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from maskgate.errors import MaskgateError, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SCRIPT = "{script}"
ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ")
_OPEN_FILES = Path("/proc/self/fd")
_CHUNK = 1 << 16
_LARGEST_SCRIPT = 16 << 20
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


@dataclass(frozen=True)
class Command:
    """What is to run.

    Attributes:
        argv: The program and its arguments; ``{script}`` stands for the script's place.
        program: The program's file.
        program_digest: The hash of its bytes.
        environment: All that it sees of the environment.
        script: The script's bytes; None without one.
        script_name: What the script is called.
        folder: Where it runs.
    """

    argv: tuple[str, ...]
    program: str
    program_digest: str
    environment: Mapping[str, str]
    script: bytes | None
    script_name: str | None
    folder: str

    def signed(self) -> dict[str, Any]:
        """Return what is signed of it, as JSON values. Values of the environment are there by their digest."""
        return {
            "argv": list(self.argv),
            "program": {"path": self.program, "digest": self.program_digest},
            "environment": {name: digest_of(value.encode()) for name, value in sorted(self.environment.items())},
            "script": None
            if self.script is None
            else {"name": self.script_name, "digest": digest_of(self.script), "text": _text(self.script)},
            "folder": self.folder,
        }


@dataclass(frozen=True)
class Ended:
    """How a command ended; a negative exit code is the signal that ended it."""

    exit_code: int
    output_digest: str
    output_bytes: int


def prepare(argv: Sequence[str], names: Sequence[str], script: Path | None, environment: Mapping[str, str]) -> Command:
    """Look up all that a command depends on.

    Args:
        argv: The program and its arguments.
        names: Variables of the environment that it may see, beside a few that every program needs.
        script: A file that it reads as its script.
        environment: The environment to take them from.

    Raises:
        UsageError: If there is no such program, variable or script, a variable is no text, or the script has no place
            among the arguments.
    """
    if not argv:
        raise UsageError("name the command after --, such as: maskgate run --action deploy … -- ./deploy.sh")
    missing = [name for name in names if name not in environment]
    if missing:
        raise UsageError(f"the environment has no {', '.join(missing)}, which --env names")
    seen = {name: environment[name] for name in (*ALWAYS, *names) if name in environment}
    if broken := [name for name, value in seen.items() if not _is_text(value)]:
        raise UsageError(f"{', '.join(broken)} of the environment holds bytes that are no UTF-8, and cannot be signed")
    found = shutil.which(argv[0], path=environment.get("PATH"))
    if found is None:
        raise UsageError(f"there is no program {argv[0]!r}")
    words, content = tuple(argv), None
    if script is not None:
        content = _read(script)
        if SCRIPT not in words:
            words = tuple(SCRIPT if word == str(script) else word for word in words)
        if SCRIPT not in words:
            raise UsageError(f"the command does not say where the script goes. Write {SCRIPT}, or the script's path")
    program = str(Path(found).resolve())
    return Command(
        argv=words,
        program=program,
        program_digest=digest_of(Path(program).read_bytes()),
        environment=seen,
        script=content,
        script_name=None if script is None else script.name,
        folder=str(Path.cwd()),
    )


def run(command: Command, output: IO[bytes], errors: IO[bytes]) -> Ended:
    """Run a command, pass on what it prints and the signals that come, and say how it ended.

    Raises:
        Refused: If the program is another than when it was looked up.
        MaskgateError: If it does not start. It has not run then, and its grant is used all the same.
    """
    with ExitStack() as stack:
        argv = list(command.argv)
        program, descriptor = stack.enter_context(_same_program(command))
        passed = [] if descriptor is None else [descriptor]
        if command.script is not None:
            place, descriptor = stack.enter_context(_sealed(command.script))
            argv = [place if word == SCRIPT else word for word in argv]
            passed.append(descriptor)
        process = _started(command, argv, program, passed, errors)
        with _forwarding(process):
            hashed, length = hashlib.sha256(), 0
            while chunk := _next(process):
                hashed.update(chunk)
                length += len(chunk)
                output.write(chunk)
                output.flush()
            code = process.wait()
    return Ended(code, f"sha256:{hashed.hexdigest()}", length)


def _started(
    command: Command, argv: list[str], program: str, passed: list[int], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  exactly what was signed, without a shell
            argv,
            executable=program,
            env=dict(command.environment),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=passed,
        )
    except OSError as error:
        raise MaskgateError(
            f"{command.program} did not start: {error.strerror}. A script names its interpreter in the first line, "
            "such as #!/bin/sh, without a carriage return. Nothing was run, and the grant is used: ask again."
        ) from None


def digest_of(content: bytes) -> str:
    """Hash bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _next(process: subprocess.Popen[bytes]) -> bytes:
    return b"" if process.stdout is None else os.read(process.stdout.fileno(), _CHUNK)


def _read(script: Path) -> bytes:
    try:
        with script.open("rb") as file:
            content = file.read(_LARGEST_SCRIPT + 1)
    except OSError as error:
        raise UsageError(f"{script} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_SCRIPT:
        raise UsageError(f"{script} is larger than {_LARGEST_SCRIPT} bytes")
    return content


def _text(script: bytes) -> str | None:
    """Return a script that people can read; None if it is none, or too long to be shown."""
    try:
        return script.decode() if len(script) <= _CHUNK // 2 else None
    except UnicodeDecodeError:
        return None


@contextmanager
def _same_program(command: Command) -> Iterator[tuple[str, int | None]]:
    """Return from where to run the program: the very file that was hashed, or a copy that nobody can write to."""
    with open(command.program, "rb") as file:  # noqa: PTH123  a path that is resolved
        content = file.read()
        if digest_of(content) != command.program_digest:
            raise Refused(f"{command.program} is not the program that was signed any more. Nothing was run; ask again.")
        if content.startswith(b"#!"):
            with _sealed(content) as sealed:
                yield sealed
        elif _OPEN_FILES.is_dir():
            yield f"{_OPEN_FILES}/{file.fileno()}", file.fileno()
        else:
            yield command.program, None


@contextmanager
def _sealed(content: bytes) -> Iterator[tuple[str, int]]:
    """Give a script a place that nobody can write to: memory that is sealed, or a private copy."""
    if hasattr(os, "memfd_create") and _OPEN_FILES.is_dir():
        with _in_memory(content) as found:
            yield found
        return
    with tempfile.TemporaryDirectory(prefix="maskgate-") as folder:
        path = Path(folder) / "script"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o500)
        try:
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(content)
            yield str(path), descriptor
        finally:
            os.close(descriptor)


@contextmanager
def _in_memory(content: bytes) -> Iterator[tuple[str, int]]:
    import fcntl  # noqa: PLC0415  not on every system

    descriptor = os.memfd_create("maskgate-script", os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield f"{_OPEN_FILES}/{descriptor}", descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _forwarding(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on to the command, which decides what they mean."""
    before = {each: signal.signal(each, lambda number, _: process.send_signal(number)) for each in _FORWARDED}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def standard_output() -> IO[bytes]:
    """Return this process's output, for bytes."""
    return sys.stdout.buffer
