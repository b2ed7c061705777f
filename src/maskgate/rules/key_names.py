"""Which key a domain, table or column takes, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.rules.strict_yaml import Located, Reader

_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_REFERENCE = re.compile(r"[a-z][a-z0-9_+.-]*:\S(?:.*\S)?")


def read_keys(reader: Reader, located: Located | None) -> dict[str, str]:
    """Read the block ``keys:``: names and references."""
    keys = {}
    for name, entry in reader.mapping(located, "keys").items():
        if not _KEY_NAME.fullmatch(name):
            reader.problem(
                f'key "{name}": a key\'s name has letters, digits, `_`, `-` and `.`, and starts with a letter.',
                entry.line,
            )
        keys[name] = entry.value if isinstance(entry.value, str) else ""
        if not _REFERENCE.fullmatch(keys[name]):
            # Whatever stands there may be the secret itself, so it is not repeated.
            reader.problem(
                f'key "{name}": a reference is written env:NAME or file:PATH; '
                "the secret itself never stands in the rules.",
                entry.line,
            )
    return keys


@dataclass(frozen=True)
class KeyNames:
    """The keys that a file declares.

    Attributes:
        reader: Collects the problems.
        keys: Names and references.
    """

    reader: Reader
    keys: Mapping[str, str]

    def named(self, located: Located | None, where: str) -> str | None:
        """Read the name of a key; None if there is none."""
        if located is None:
            return None
        name = self.reader.string(located, f"{where}, key", "?")
        if name not in self.keys and name != "?":
            self.reader.problem(f"{where}: no key is called '{name}'.{did_you_mean(name, self.keys)}", located.line)
        return name

    @property
    def only(self) -> str | None:
        """The only key that there is."""
        return next(iter(self.keys)) if len(self.keys) == 1 else None

    @property
    def declared(self) -> str:
        """Which keys there are, as a sentence."""
        return f"Declared are {', '.join(sorted(self.keys))}" if self.keys else "The file declares none; add `keys:`"
