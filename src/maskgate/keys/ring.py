"""The key ring: the keys of one run, by the names that the rules give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError
from maskgate.keys.key import Key
from maskgate.keys.key_text import decoded
from maskgate.keys.sources import find_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from maskgate.keys.key_text import Found


class KeyRing:
    """Named keys.

    Args:
        keys: The keys by name.

    Example:
        >>> ring = KeyRing({"people": Key("people", bytes(range(32)))})
        >>> ring.get("people")
        Key('people', version=1)
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, Key]) -> None:
        for name, key in keys.items():
            if not isinstance(key, Key):
                raise TypeError(f'a key ring holds Key objects; "{name}" is of type {type(key).__name__}')
        self._keys = dict(keys)

    @classmethod
    def resolve(cls, references: Mapping[str, str], *, base: Path | None = None) -> KeyRing:
        """Fetch every key that the rules refer to.

        Args:
            references: Name to reference, such as ``{"people": "env:MASKGATE_KEY_PEOPLE"}``.
            base: The folder that relative ``file:`` paths start from, which is that of the rules file.

        Raises:
            KeyReferenceError: If any key cannot be had or is too weak; all problems in one message.
        """
        found = {name: find_key(reference, base) for name, reference in references.items()}
        if problems := _problems(found):
            # A traceback shows the locals of this frame; what was written as a reference may be the secret itself.
            del found, references
            raise KeyReferenceError(problems)
        return cls({name: _key(name, each.versions) for name, each in found.items()})

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> KeyRing:
        """Make a ring of keys whose texts somebody has read already, such as from a host's store of secrets.

        Args:
            texts: Name to text: base64, or several ``VERSION:BASE64``, a line each.

        Raises:
            KeyReferenceError: If any text is no key, or too weak a one; all problems in one message.
        """
        found = {name: decoded(text, "its text") for name, text in texts.items()}
        if problems := _problems(found):
            del found, texts
            raise KeyReferenceError(problems)
        return cls({name: _key(name, each.versions) for name, each in found.items()})

    def get(self, name: str) -> Key:
        """Return a key by its name.

        Raises:
            KeyReferenceError: If the ring has no such key.
        """
        if name not in self._keys:
            known = ", ".join(sorted(self._keys)) or "no key at all"
            raise KeyReferenceError(f'no key is called "{name}". The ring has: {known}.')
        return self._keys[name]

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(sorted(self._keys))})"


def _problems(found: Mapping[str, Found]) -> str:
    return "\n".join(f'key "{name}": {each.problem}' for name, each in found.items() if each.problem)


def _key(name: str, versions: Mapping[int, bytes]) -> Key:
    current = max(versions)
    return Key(name, versions[current], current, {each: versions[each] for each in versions if each != current})
