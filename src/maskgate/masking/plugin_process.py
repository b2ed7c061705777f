"""Methods of others at work in a process of their own, so that none can make a run hang or fall.

* What they get through is rows and subkeys: a root key stays in this process, which derives what they ask for.
* Each portion of rows has its time, and so has the start. Python's own regular expressions hold the interpreter while
  they search, so that no thread could cut them short; a process can be ended.
* What comes back is Arrow data and words of ours, never an object of theirs; and where a null went in, a null.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import weakref
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pyarrow.compute as pc

from maskgate.errors import MaskgateError, MaskingError
from maskgate.masking.plugin_rows import rows_from_bytes, rows_to_bytes
from maskgate.methods.layout import plain
from maskgate.methods.method import Method

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection

    import pyarrow as pa

    from maskgate.keys import Key
    from maskgate.methods.method import Declaration, Domain, ReversibleBy, Surroundings, Uniqueness
    from maskgate.methods.shape import Shape
    from maskgate.rules.rule import ColumnRule

SECONDS = "MASKGATE_PLUGIN_SECONDS"
_USUAL_SECONDS = 60.0
_ROWS_A_SECOND = 5_000
_CHILD = "maskgate.masking.plugin_child"


def is_plugin(method: str) -> bool:
    """Say whether a method is somebody else's: those of this package have no dot in their names."""
    return "." in method


class PluginFailedError(Exception):
    """A plugin raised something of its own.

    Attributes:
        kind: The name of the error's class; what it says could quote a value.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class OwnProcessMethod(Method):
    """A plugin's method that looks at data in another process only.

    Args:
        rule: The rule that names it.
        method: The method as it is configured here; it is asked what it declares, and never given data.
    """

    def __init__(self, rule: ColumnRule, method: Method) -> None:
        self._rule = rule
        self._method = method
        self._idle: list[_Child] = []
        weakref.finalize(self, _end_all, self._idle)

    @property
    def declaration(self) -> Declaration:  # type: ignore[override]  # an object stands in for a class here
        """What the plugin declares."""
        return self._method.declaration

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:  # noqa: ARG003  for overriding
        """Refuse: it is made of a rule."""
        raise TypeError("a plugin's method is configured by its rule")

    def output_type(self, input_type: pa.DataType) -> pa.DataType | None:
        """Ask the plugin."""
        return self._method.output_type(input_type)

    def shape(self) -> Shape:
        """Ask the plugin."""
        return self._method.shape()

    def reads(self) -> tuple[str, ...]:
        """Ask the plugin."""
        return self._method.reads()

    @property
    def uniqueness(self) -> Uniqueness:
        """Ask the plugin."""
        return self._method.uniqueness

    @property
    def reversible_by(self) -> ReversibleBy:
        """Ask the plugin."""
        return self._method.reversible_by

    def facts(self) -> Mapping[str, Any]:
        """Ask the plugin."""
        return self._method.facts()

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Mask one batch in the other process.

        Raises:
            MaskingError: If the plugin cannot take a value, takes too long, fills a null, or its process ends.
            PluginFailedError: If it raises something of its own.
        """
        masked = self._ask("apply", column, surroundings)
        if masked is None:
            raise PluginFailedError("NoneType")
        filled = _filled_nulls(column, masked)
        if filled:
            raise MaskingError(
                f'table "{surroundings.table}", column "{surroundings.column}": \'{self._rule.method}\' gave values '
                f"for {filled} nulls. This is a bug of the method: a null stays a null."
            )
        return masked

    def invalid(self, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:
        """Have the other process say which cells the plugin cannot take."""
        return self._ask("invalid", column, surroundings)

    def _ask(self, verb: str, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:
        with self._child() as child:
            return child.ask(verb, column, surroundings)

    @contextmanager
    def _child(self) -> Iterator[_Child]:
        """Lend a process that nobody uses now. One that had to be ended is not used again."""
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child.start(self._rule)
        try:
            yield child
        finally:
            if not child.connection.closed:
                self._idle.append(child)


def _filled_nulls(column: pa.Array, masked: pa.Array) -> int:
    if len(masked) != len(column):
        return 0  # which is told by whoever knows how many there should be
    return pc.sum(pc.and_(plain(column).is_null(), plain(masked).is_valid())).as_py() or 0


@dataclass
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    connection: Connection = field(repr=False)
    has_started: bool = False

    @classmethod
    def start(cls, rule: ColumnRule) -> Self:
        import subprocess  # noqa: PLC0415  hardly any rules have a plugin, and these two are slow to import
        from multiprocessing.connection import Connection  # noqa: PLC0415

        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  ourselves
                [sys.executable, "-m", _CHILD, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback of the plugin's could show values
            )
        child = cls(rule.method, process, Connection(ours.detach()))
        child.connection.send_bytes(_json({**rule.as_json(), "domain": rule.domain and asdict(rule.domain)}))
        return child

    def ask(self, verb: str, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:
        given = float(os.environ.get(SECONDS) or 0)
        seconds = given or _USUAL_SECONDS + len(column) / _ROWS_A_SECOND
        try:
            self._await_start(time.monotonic() + max(given, _USUAL_SECONDS))
            return self._asked(verb, column, surroundings, time.monotonic() + seconds)
        except TimeoutError:
            problem = f"took longer than {seconds:g} s for {len(column)} rows, and was stopped"
            if not self.has_started:
                problem = f"took longer than {max(given, _USUAL_SECONDS):g} s to be imported, and was stopped"
        except (OSError, EOFError):
            problem = f"ended its process{_exit(self.process)}"
        except (MaskgateError, PluginFailedError):
            raise
        except BaseException:
            self.end()
            raise
        self.end()
        # Outside of the handlers, so that no context hangs on to it.
        raise MaskingError(
            f'table "{surroundings.table}", column "{surroundings.column}": \'{self.name}\' {problem}. '
            f"Ask the author of the plugin; {SECONDS} gives it more time."
        )

    def _await_start(self, until: float) -> None:
        """Wait until the plugin is imported, which does not count as time for its rows."""
        if not self.has_started:
            self._bytes(until)
            self.has_started = True

    def _asked(self, verb: str, column: pa.Array, surroundings: Surroundings, until: float) -> pa.Array | None:
        key = surroundings.key
        head = {
            "verb": verb,
            "table": surroundings.table,
            "column": surroundings.column,
            "key": key and {"name": key.name, "version": key.version, "versions": key.versions},
            "has_entity": surroundings.entity is not None,
            "columns": list(surroundings.columns),
        }
        self.connection.send_bytes(_json(head))
        entity = () if surroundings.entity is None else (surroundings.entity,)
        self.connection.send_bytes(rows_to_bytes((column, *entity, *surroundings.columns.values())))
        while "subkey" in (answer := self._answer(until)):
            self.connection.send_bytes(_subkey(key, answer["subkey"]))
        if "refusal" in answer:
            raise MaskingError(str(answer["refusal"]))
        if "failure" in answer:
            raise PluginFailedError(str(answer["failure"]))
        return rows_from_bytes(self._bytes(until))[0] if answer.get("rows") else None

    def _answer(self, until: float) -> dict[str, Any]:
        return dict(json.loads(self._bytes(until)))

    def _bytes(self, until: float) -> bytes:
        if not self.connection.poll(max(0.0, until - time.monotonic())):
            raise TimeoutError
        return self.connection.recv_bytes()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


def _end_all(children: list[_Child]) -> None:
    while children:
        children.pop().end()


def _subkey(key: Key | None, wanted: dict[str, Any]) -> bytes:
    if key is None:
        raise EOFError
    return key.at(wanted.pop("version")).subkey(**wanted)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _exit(process: subprocess.Popen[bytes]) -> str:
    import subprocess  # noqa: PLC0415  loaded when the process was started

    try:
        code = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return ""
    return f" (signal {-code})" if code < 0 else f" (exit code {code})"
