"""What the gate's workshop does: see ``workshop.py``.

``python -m maskgate.server.workshop_process CONFIG HOME DESCRIPTOR`` gets names of tasks by a pipe, and answers each.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from maskgate.errors import MaskgateError
from maskgate.gate.establishing import read_files
from maskgate.gate.without_pandas import keep_pandas_out
from maskgate.server.assembling import make_gate
from maskgate.server.configuration import load_configuration
from maskgate.server.home import Home
from maskgate.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.service import Gate


class _Work:
    def __init__(self, config: Path, home: Path) -> None:
        self._configuration = load_configuration(config)
        self._home = Home(home)

    @cached_property
    def _gate(self) -> Gate:
        store = Store.open(self._home.store)
        return make_gate(self._configuration, self._home, store, store.clock())

    def check(self) -> None:
        """Read policy and rules, before anything is made."""
        read_files(self._configuration.policy, self._configuration.rules)

    def migrate(self) -> None:
        """Bring the database's tables up to date."""
        Store.open(self._home.store).close()

    def start(self) -> tuple[bool, tuple[str, ...]]:
        """Make the gate ready; return whether it is new, and lines for whoever starts it."""
        is_new = self._gate.is_new
        tokens = {name: self._home.token(name) for name in self._configuration.tokens}
        return is_new, self._gate.start(self._configuration.policy, self._configuration.rules, tokens)

    def words(self) -> dict[str, str]:
        """Return the words for what each method does."""
        from maskgate.methods import METHODS  # noqa: PLC0415  a room whose names are fetched when asked for

        return {name: method.declaration.done for name, method in METHODS.items()}

    def seal(self) -> bool:
        """Seal what waits; return whether anything did."""
        done = False
        while self._gate.seal_waiting():
            done = True
        return done


TASKS: Mapping[str, Callable[[_Work], Any]] = {
    "check": _Work.check,
    "migrate": _Work.migrate,
    "start": _Work.start,
    "words": _Work.words,
    "seal": _Work.seal,
}


def main() -> None:
    """Do what is asked, until nobody is there to ask."""
    config, home, descriptor = sys.argv[1:]
    line = Connection(int(descriptor))
    tasks: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_do, args=(line, tasks, Path(config), Path(home)), daemon=True).start()
    try:
        while True:
            tasks.put(line.recv())
    except (EOFError, OSError):
        os._exit(0)  # the gate is gone; whatever is being done is left as a crash leaves it


def _do(line: Connection, tasks: SimpleQueue[str], config: Path, home: Path) -> None:
    keep_pandas_out()
    work: _Work | None = None
    while True:
        task = tasks.get()
        try:
            work = work or _Work(config, home)
            answer = (True, TASKS[task](work))
        except MaskgateError as error:
            answer = (False, error)
        except Exception as error:  # noqa: BLE001  the kind alone: its words could quote a value of the data
            answer = (False, MaskgateError(f"{task} failed ({type(error).__name__})"))
        line.send(answer)


if __name__ == "__main__":
    main()
