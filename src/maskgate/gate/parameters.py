"""What a registered tool or handler takes: declared parameters, and nothing else.

A value becomes one word of a command, or one value of a statement; it never becomes a part of what is done. A text that
begins with a dash would be an option to most programs, and is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import re2

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
RESOURCE = "resource"
_LONGEST = 10_000


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        name: What calls name it.
        type: ``string``, ``integer``, ``number`` or ``boolean``.
        description: For whoever calls.
        pattern: An RE2 pattern that a text has to match as a whole.
        choices: The only values that it may have; empty for any.
        optional: Whether a call may leave it out.
    """

    name: str
    type: str = "string"
    description: str = ""
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    def as_schema(self) -> dict[str, Any]:
        """Return it as a JSON Schema."""
        schema: dict[str, Any] = {"type": self.type}
        if self.description:
            schema["description"] = self.description
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        if self.choices:
            schema["enum"] = list(self.choices)
        return schema

    def check(self, value: Any) -> None:
        """See whether it may have this value.

        Raises:
            UsageError: If not; the message does not hold the value.
        """
        is_right = isinstance(value, TYPES[self.type]) and isinstance(value, bool) == (self.type == "boolean")
        if not is_right:
            raise UsageError(f"`{self.name}` must be {_KINDS[self.type]}")
        if not isinstance(value, str):
            return
        if len(value) > _LONGEST or "\0" in value:
            raise UsageError(f"`{self.name}` is no text of at most {_LONGEST} characters")
        if value.startswith("-"):
            raise UsageError(f"`{self.name}` begins with a dash, which programs take for an option")
        if self.choices and value not in self.choices:
            raise UsageError(f"`{self.name}` must be one of {', '.join(self.choices)}")
        if self.pattern is not None and re2.fullmatch(self.pattern, value) is None:
            raise UsageError(f"`{self.name}` must match {self.pattern}")


def check_arguments(parameters: Sequence[Parameter], arguments: Mapping[str, Any], what: str) -> None:
    """See whether a call has all parameters, and no other.

    Raises:
        UsageError: If not.
    """
    known = {each.name: each for each in parameters}
    unknown = sorted(arguments.keys() - known.keys())
    if unknown:
        listed = ", ".join(f"`{name}`" for name in known) or "no arguments"
        raise UsageError(f"{what} does not take {', '.join(f'`{name[:40]}`' for name in unknown)}. It takes {listed}.")
    missing = [f"`{each.name}`" for each in parameters if not each.optional and each.name not in arguments]
    if missing:
        raise UsageError(f"{what} needs {', '.join(missing)}.")
    for name, value in arguments.items():
        known[name].check(value)


def filled(word: str, arguments: Mapping[str, Any], resource: str = "") -> str:
    """Put arguments into the places of one word.

    Example:
        >>> filled("--days={days}", {"days": 30})
        '--days=30'
    """

    def value(match: re.Match[str]) -> str:
        found = resource if match.group(1) == RESOURCE else arguments.get(match.group(1), "")
        return str(found).lower() if isinstance(found, bool) else str(found)

    return PLACE.sub(value, word)


def words_of(argv: Sequence[str], arguments: Mapping[str, Any], resource: str = "") -> list[str]:
    """Put arguments into the places of a command's words.

    Raises:
        UsageError: If a word would begin with a dash by that, such as a negative number that stands alone.

    Example:
        >>> words_of(["purge", "--days={days}"], {"days": -1})
        ['purge', '--days=-1']
    """
    words = [filled(word, arguments, resource) for word in argv]
    for word, made in zip(argv, words, strict=True):
        if made.startswith("-") and not word.startswith("-"):
            raise UsageError(f"what goes into {word} begins with a dash, which programs take for an option")
    return words


def places_of(text: str) -> set[str]:
    """List the parameters that a text has places for."""
    return set(PLACE.findall(text))


_KINDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
