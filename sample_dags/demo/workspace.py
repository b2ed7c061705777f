"""Where a demo keeps its files: `.demo` in the repository, new for every run, except the data."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo.processes import REPOSITORY, Processes, free_port, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA_MAKER = REPOSITORY / "sample_dags" / "make_data.py"


@dataclass(frozen=True)
class Workspace:
    """The folders of one demo.

    Attributes:
        root: Where they are.
        is_alone: Whether no other demo runs here.
    """

    root: Path
    is_alone: bool

    @property
    def data(self) -> Path:
        """The original tables."""
        return self.root / "data"

    @property
    def run(self) -> Path:
        """Everything that belongs to this run alone."""
        return self.root / "run"

    def port(self, preferred: int, what: str, say: Callable[[str], None]) -> int:
        """Return a port for a server; beside another demo, which may be about to take it, not the preferred one."""
        return free_port(preferred if self.is_alone else 0, say=say, what=what)


@contextmanager
def workspace(say: Callable[[str], None]) -> Iterator[Workspace]:
    """Open the demo's folder, without what an earlier demo left there.

    A demo that runs beside another one takes a temporary folder.
    """
    root = REPOSITORY / ".demo"
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="maskgate-demo-") as folder:
                say(f"another demo runs in {root.name}; this one keeps its files in {folder}")
                yield Workspace(Path(folder), is_alone=False)
            return
        shutil.rmtree(root / "run", ignore_errors=True)
        yield Workspace(root, is_alone=True)


def make_data(where: Workspace, processes: Processes, environment: dict[str, str], say: Callable[[str], None]) -> None:
    """Make the two tables, unless this very maker made them before."""
    stamp = where.data / ".made-by"
    maker = DATA_MAKER.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == maker:
        say(f"using the tables in {where.data} again")
        return
    say("making 50,000 customers and 200,000 orders")
    where.data.mkdir(parents=True, exist_ok=True)
    processes.run("make-data", [program("server", "python"), DATA_MAKER, "--output", where.data], env=environment)
    stamp.write_text(maker, encoding="utf-8")
