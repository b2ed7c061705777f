"""Paths of columns, as rules write them: ``email``, ``address.street``, ``contacts[].email``, ``attributes[].value``.

A dot goes into a struct, ``[]`` into the elements of a list or the entries of a map, which have a ``key`` and a
``value``. In a name, ``*`` stands for any text and ``?`` for one character. A name that has a dot, a bracket, a star, a
question mark or a backquote in it is written in backquotes, the backquote itself twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from maskgate.methods.glob import fits_glob

_BARE = re.compile(r"[^.\[`]+")
_QUOTED = re.compile(r"`((?:[^`]|``)*)`")
_NEEDS_QUOTES = re.compile(r"[.\[*?`]")


@dataclass(frozen=True)
class Step:
    """One step of a path: into the column or field of a name, or into elements.

    Attributes:
        name: The name, or pattern of names; None for the elements of a list, or the entries of a map.
        is_pattern: Whether the name is a pattern.
    """

    name: str | None
    is_pattern: bool = False

    def fits(self, name: str) -> bool:
        """Say whether this is a step into the column or field of a name."""
        if self.name is None:
            return False
        return fits_glob(name, self.name) if self.is_pattern else name == self.name

    def __str__(self) -> str:
        if self.name is None:
            return "[]"
        return self.name if self.is_pattern else written_name(self.name)


ELEMENTS = Step(None)


@dataclass(frozen=True)
class Path:
    """Where a column is.

    Attributes:
        steps: From the table inwards; the first one has a name.

    Example:
        >>> [str(step) for step in Path.parse("contacts[].`e.mail`").steps]
        ['contacts', '[]', '`e.mail`']
    """

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Read a path.

        Raises:
            ValueError: If it is none; the message is for the author of the rules.
        """
        steps: list[Step] = []
        at = 0
        while True:
            name, at = _name(text, at)
            steps.append(name)
            while text.startswith("[]", at):
                steps.append(ELEMENTS)
                at += 2
            if at == len(text):
                return cls(tuple(steps))
            if text[at] != ".":
                raise ValueError(_BRACKET if text[at] == "[" else _STRAY.format(text[at]))
            at += 1

    @classmethod
    def of(cls, name: str) -> Path:
        """Return the path of a column of the table itself, whatever its name holds."""
        return cls((Step(name),))

    def field(self, name: str) -> Path:
        """Return the path of a field of this struct."""
        return Path((*self.steps, Step(name)))

    @property
    def elements(self) -> Path:
        """The path of the elements of this list, or the entries of this map."""
        return Path((*self.steps, ELEMENTS))

    @property
    def is_pattern(self) -> bool:
        """Whether it may stand for several columns."""
        return any(step.is_pattern for step in self.steps)

    def __str__(self) -> str:
        text = ""
        for step in self.steps:
            text += str(step) if step.name is None or not text else f".{step}"
        return text


def written_name(name: str) -> str:
    """Write the name of a column or field so that it reads as one.

    Example:
        >>> written_name("first.name")
        '`first.name`'
    """
    if name and not _NEEDS_QUOTES.search(name):
        return name
    return "`{}`".format(name.replace("`", "``"))


def path_pattern(*, of_one: bool = False, of_row: bool = False) -> str:
    r"""Return a regular expression for what :meth:`Path.parse` reads, as JSON Schema and Python both understand it.

    Args:
        of_one: Whether only paths of one column are meant, and no patterns of names.
        of_row: Whether only columns that a row has once are meant.

    """
    name = rf"(?:`(?:[^`]|``)*`|[^.\[`{'*?' if of_one else ''}]+)"
    step = name if of_row else rf"{name}(?:\[\])*"
    # To Python, `$` also fits before a line end at the end.
    return rf"^{step}(?:\.{step})*$(?!\n)"


_BRACKET = (
    "after `[` a `]` is expected; a name that has a bracket in it is written in backquotes, such as `price [EUR]`"
)
_STRAY = "after a name, or `[]`, a dot, `[]` or nothing is expected, not {!r}"
_NAMELESS = "a name is missing. Paths are written like address.street or contacts[].email; odd names in backquotes"


def _name(text: str, at: int) -> tuple[Step, int]:
    quoted = _QUOTED.match(text, at)
    if quoted:
        return Step(quoted[1].replace("``", "`")), quoted.end()
    if text.startswith("`", at):
        raise ValueError("a backquote is opened and not closed. A backquote within a name is written twice, in others")
    bare = _BARE.match(text, at)
    if not bare:
        raise ValueError(_NAMELESS)
    if text.startswith("`", bare.end()):
        raise ValueError("a name with a backquote in it is written in backquotes, and that backquote twice")
    return Step(bare[0], is_pattern=any(sign in bare[0] for sign in "*?")), bare.end()
