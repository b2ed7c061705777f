"""YAML that says one thing only.

The reader of every file that a person writes: rules, policy, gate configuration.

* Scalars are those of YAML 1.2, without dates: ``NO`` and ``1936-01-01`` are text.
* A key stands once. The usual loader keeps the last one, and ``drop`` then ``keep`` is a leak.
* No anchors, aliases, merge keys, tags, directives or second documents: what stands there is all there is.
* A file is bounded in size and depth before anything is built from it.
"""

from __future__ import annotations

import difflib
import heapq
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from maskgate.errors import FileProblems, Problem
from maskgate.rules.yaml_scalars import CONSTANTS, is_plain, text_of, value_of, whole
from maskgate.rules.yaml_syntax import escape_problem, syntax_problem, unreadable_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

T = TypeVar("T")

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 32
# Among more names than this, a near one is looked for where they begin alike; more than that are not listed.
_MOST_COMPARED = 200
_MOST_NAMED = 40
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Located:
    """A value of the file and the line it stands in; that of its key, where it has one.

    Attributes:
        value: ``dict[str, Located]``, ``list[Located]``, or a string, integer, float, boolean or None.
        line: Counted from 1.
    """

    value: Any
    line: int

    def plain(self) -> Any:
        """Return the value without places, as JSON has it."""
        if isinstance(self.value, dict):
            return {name: entry.plain() for name, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value


def parse(text: str, file: str, error: type[FileProblems]) -> Located:
    """Read a file that must hold one mapping.

    Args:
        text: What the file says.
        file: What messages call it.
        error: The error to raise, such as ``RulesError``.

    Raises:
        FileProblems: As `error`, with every problem of structure, or the first place where it stops being YAML.
    """
    if len(text) > MAX_CHARACTERS:
        raise error(file, (Problem(f"the file is longer than {MAX_CHARACTERS:,} characters. Part it in several."),))
    text = text.removeprefix(_BYTE_ORDER_MARK)
    unreadable = unreadable_problem(text)
    if unreadable is not None:
        raise error(file, (unreadable,))
    builder = _Builder()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except _StoppedError as stopped:
        raise error(file, (*builder.problems, stopped.problem)) from None
    except YAMLError as stopped:
        raise error(file, (*builder.problems, syntax_problem(stopped))) from None
    except (ValueError, OverflowError):
        # The parser turns an escape of eight digits into a character, whatever its number.
        raise error(file, (*builder.problems, escape_problem(text, builder.reached))) from None
    root = builder.root
    if not builder.problems and (root is None or not isinstance(root.value, dict)):
        builder.problem("a mapping is expected here, such as `version: 1`.", 1 if root is None else root.line)
    if builder.problems or root is None:
        raise error(file, tuple(builder.problems))
    return root


class _StoppedError(Exception):
    """Nothing sensible can be built from here on."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message, line)
        self.problem = Problem(message, line)


@dataclass
class _Open:
    """A mapping or list that has begun and not ended, and the key that waits for its value."""

    value: dict[str, Located] | list[Located]
    line: int
    key: str | None = None
    key_line: int = 0
    first_lines: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds values from parser events, without recursion."""

    def __init__(self) -> None:
        self.root: Located | None = None
        self.problems: list[Problem] = []
        self.reached = 0
        self._open: list[_Open] = []
        self._documents = 0

    def problem(self, message: str, line: int) -> None:
        self.problems.append(Problem(message, line))

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        self.reached = event.end_mark.index
        if isinstance(event, DocumentStartEvent):
            self._begin_document(line)
        elif isinstance(event, NodeEvent):
            self._check_plainness(event, line)
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._begin(event, line)
            else:
                self._place_leaf(event, line)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            ended = self._open.pop()
            self._place(ended.value, ended.line)

    def _begin_document(self, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            self.problem("a second document begins here. A file holds one.", line)

    def _check_plainness(self, event: Any, line: int) -> None:
        if isinstance(event, AliasEvent):
            self.problem(f"aliases (*{event.anchor}) are not allowed. Write the value out.", line)
        elif event.anchor is not None:
            self.problem(f"anchors (&{event.anchor}) are not allowed. Write the value out where it is needed.", line)
        if not isinstance(event, AliasEvent) and event.ctag is not None:
            self.problem(f"tags ({event.ctag}) are not allowed. Quote the value if it is text.", line)

    def _begin(self, event: MappingStartEvent | SequenceStartEvent, line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _StoppedError(f"more than {MAX_DEPTH} levels inside each other.", line)
        if self._awaits_key():
            raise _StoppedError("a key must be a name, not a list or a mapping. Quote it if it holds braces.", line)
        self._open.append(_Open({} if isinstance(event, MappingStartEvent) else [], line))

    def _place_leaf(self, event: NodeEvent, line: int) -> None:
        if self._awaits_key():
            self._take_key(self._open[-1], event, line)
        else:
            self._place(self._read(value_of, event, line), line)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _take_key(self, parent: _Open, event: NodeEvent, line: int) -> None:
        name = self._read(text_of, event, line) or ""
        bare = isinstance(event, ScalarEvent) and is_plain(event)
        if bare and name == "<<":
            self.problem("merge keys (<<) are not allowed. Write the values out.", line)
        elif bare and CONSTANTS.get(name, False) is None:
            self.problem("a key is missing before this colon. Quote it if it is a name.", line)
        elif name in parent.first_lines:
            self.problem(f'"{name}" stands here a second time; first in line {parent.first_lines[name]}.', line)
        parent.first_lines.setdefault(name, line)
        parent.key, parent.key_line = name, line

    def _place(self, value: Any, line: int) -> None:
        if not self._open:
            self.root = Located(value, line) if self.root is None else self.root
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(Located(value, line))
            return
        parent.value[parent.key or ""] = Located(value, parent.key_line)
        parent.key = None

    def _read(self, read: Callable[[ScalarEvent], T], event: NodeEvent, line: int) -> T | None:
        if not isinstance(event, ScalarEvent):
            return None
        try:
            return read(event)
        except ValueError as error:
            self.problem(f"{error}.", line)
            return None


class Reader:
    """Reads fields of a file and collects every problem, so that they are shown together.

    A field that is absent (None) or wrong reads as its default; :meth:`finish` raises if anything was wrong, so that
    no default is ever used in place of what somebody wrote.

    Args:
        file: What messages call the file.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, message: str, line: int | None = None) -> None:
        """Note one problem."""
        self.problems.append(Problem(message, line))

    def adopt(self, problems: Iterable[Problem], file: str) -> None:
        """Note the problems of a file that this one includes."""
        self.problems += [replace(problem, file=problem.file or file) for problem in problems]

    def finish(self, error: type[FileProblems]) -> None:
        """Raise `error` with all problems in the order of their lines, if there are any."""
        if self.problems:
            ordered = sorted(self.problems, key=lambda problem: (problem.file or "", problem.line or 0))
            raise error(self.file, tuple(ordered))

    def mapping(
        self,
        located: Located | None,
        where: str,
        known: Collection[str] | None = None,
        required: Collection[str] = (),
        unenforced: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, Located]:
        """Read a mapping.

        Args:
            located: What stands there.
            where: What messages call it, such as ``column "email"``; empty for the whole file.
            known: Keys that may stand there; None if any.
            required: Keys that must stand there.
            unenforced: Keys that another version may know, each with the sentence to refuse it with.

        Returns:
            The entries with known keys.
        """
        if located is None or not self._is(located, dict, where, "a mapping"):
            return {}
        entries: dict[str, Located] = located.value
        for name, entry in entries.items():
            if name in unenforced:
                self.problem(_at(where, unenforced[name]), entry.line)
            elif known is not None and name not in known:
                self.problem(_at(where, f"'{name}' is not known here.{did_you_mean(name, known)}"), entry.line)
        for name in required:
            if name not in entries:
                self.problem(_at(where, f"'{name}' is missing. Add `{name}:`."), located.line)
        return {name: entry for name, entry in entries.items() if known is None or name in known}

    def sequence(self, located: Located | None, where: str) -> list[Located]:
        """Read a list."""
        if located is None or not self._is(located, list, where, "a list, such as [a, b],"):
            return []
        entries: list[Located] = located.value
        return entries

    def strings(self, located: Located | None, where: str) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple(self.string(entry, where) for entry in self.sequence(located, where))

    def string(self, located: Located | None, where: str, default: str = "") -> str:
        """Read a text that is not empty."""
        if located is None or not self._is(located, str, where, "text"):
            return default
        text: str = located.value
        if not text:
            self.problem(_at(where, "this text is empty."), located.line)
        return text

    def boolean(self, located: Located | None, where: str, *, default: bool = False) -> bool:
        """Read ``true`` or ``false``."""
        if located is None or not self._is(located, bool, where, "true or false"):
            return default
        return bool(located.value)

    def integer(
        self,
        located: Located | None,
        where: str,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        default: int = 0,
    ) -> int:
        """Read a whole number, bounds inclusive."""
        if located is not None:
            located = replace(located, value=whole(located.value))
        if located is None or not self._is(located, int, where, "a whole number"):
            return default
        self._check_bounds(located, where, minimum, maximum)
        return int(located.value)

    def number(
        self,
        located: Located | None,
        where: str,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        default: float = 0,
    ) -> float:
        """Read a number, bounds inclusive; whole numbers stay integers."""
        if located is None or not self._is(located, (int, float), where, "a number"):
            return default
        self._check_bounds(located, where, minimum, maximum)
        number: float = located.value
        return number

    def choice(self, located: Located | None, where: str, choices: Collection[str], default: str = "") -> str:
        """Read one of a few words."""
        if located is None:
            return default
        if not isinstance(located.value, str) or located.value not in choices:
            near = near_name(located.value, choices) if isinstance(located.value, str) else ""
            expected = f"{'one of ' if len(choices) > 1 else ''}{', '.join(choices)}"
            self.problem(_at(where, f"{expected} is expected here.{near}"), located.line)
            return default
        return located.value

    def _check_bounds(self, located: Located, where: str, minimum: float | None, maximum: float | None) -> None:
        if minimum is not None and located.value < minimum:
            self.problem(_at(where, f"at least {minimum:g} is expected here."), located.line)
        if maximum is not None and located.value > maximum:
            self.problem(_at(where, f"at most {maximum:g} is expected here."), located.line)

    def _is(self, located: Located, kinds: type | tuple[type, ...], where: str, expected: str) -> bool:
        # Python counts booleans as integers; a file does not.
        fits = isinstance(located.value, kinds) and (kinds is bool or not isinstance(located.value, bool))
        if not fits:
            self.problem(_at(where, f"{expected} is expected here, not {_name(located.value)}."), located.line)
        return fits


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Say which known name somebody may have meant, or which there are; with a leading space."""
    near = near_name(name, known)
    if near or not known:
        return near
    more = f" and {len(known) - _MOST_NAMED:,} more" if len(known) > _MOST_NAMED else ""
    return f" Known are: {', '.join(heapq.nsmallest(_MOST_NAMED, known))}{more}."


def near_name(name: str, known: Collection[str]) -> str:
    """Say which known name somebody may have meant, with a leading space; nothing if none is near."""
    compared: Collection[str] = known
    if len(known) > _MOST_COMPARED:
        alike = (each for each in known if each[:1] == name[:1] and abs(len(each) - len(name)) <= 1)
        compared = list(islice(alike, _MOST_COMPARED))
    near = difflib.get_close_matches(name, compared, n=1)
    if not near:
        folded = {each.casefold(): each for each in compared}
        near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=1)]
    return f" Did you mean '{near[0]}'?" if near else ""


def _at(where: str, message: str) -> str:
    return f"{where}: {message}" if where else message


def _name(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
