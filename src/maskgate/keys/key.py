"""A named key whose bytes do not show.

* The bytes are in no repr, no error, no log, and in no frame of a traceback that Maskgate raises.
* A key does not travel between processes: it cannot be pickled or copied. Send its reference and resolve it there.
* A key has versions. New tokens come from the highest; the older ones are kept to recognise what they made.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from maskgate.crypto.derive import derive_subkey
from maskgate.crypto.hidden import hidden
from maskgate.errors import KeyReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIMUM_LENGTH = 16
_LONGEST_SUBKEY = 255 * 32  # RFC 5869, section 2.3, for SHA-256


class Key:
    """A named root key with its versions. It hands out subkeys, never itself.

    Args:
        name: What the rules file calls it.
        material: The bytes of the current version, evenly random; at least 16, better 32.
        version: The number of the current version, from 1.
        older: The bytes of each earlier version that is still kept.

    Raises:
        KeyReferenceError: If there are too few bytes, or the versions cannot be.

    Example:
        >>> key = Key("people", bytes(range(32)), version=3, older={2: bytes(32)})
        >>> key, key.versions, key.at(2)
        (Key('people', version=3), (3, 2), Key('people', version=2))
    """

    __slots__ = ("__materials", "name", "version")

    def __init__(
        self, name: str, material: bytes, version: int = 1, older: Mapping[int, bytes] = MappingProxyType({})
    ) -> None:
        given = {**older, version: material}
        materials = {each: hidden(given[each]) for each in given} if _are_bytes(*given.values()) else {}
        problem = _problem(materials, version, tuple(older))
        if problem:
            # A traceback shows the locals of this frame to whoever prints them.
            del material, older, given, materials
            raise KeyReferenceError(f'key "{name}": {problem}')
        self.name = name
        self.version = version
        self.__materials = {each: materials[each] for each in sorted(materials, reverse=True)}

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version that is there, newest first."""
        return tuple(self.__materials)

    def at(self, version: int) -> Key:
        """Return one version as a key of its own, without the others.

        Raises:
            KeyReferenceError: If there is no such version.
        """
        if version not in self.__materials:
            known = ", ".join(map(str, self.versions))
            raise KeyReferenceError(f'key "{self.name}" has no version {version}. It has: {known}.')
        return Key(self.name, self.__materials[version], version)

    def subkey(self, *, purpose: str, scheme: str = "", domain: str = "", length: int = 32) -> bytes:
        """Derive the subkey of the current version for one use; different uses never share one.

        Args:
            purpose: What it is for, such as ``token``.
            scheme: The algorithm that will use it.
            domain: The domain or context it belongs to.
            length: Bytes wanted.

        Raises:
            ValueError: If no subkey is that long, or a field is not Unicode text.
        """
        if not 1 <= length <= _LONGEST_SUBKEY:
            raise ValueError(f"a subkey has from 1 to {_LONGEST_SUBKEY} bytes, not {length}")
        for field in (purpose, scheme, domain):
            field.encode()  # here, since the frame that would fail otherwise holds the key
        return derive_subkey(
            self.__materials[self.version],
            purpose=purpose,
            scheme=scheme,
            domain=domain,
            version=self.version,
            length=length,
        )

    def __repr__(self) -> str:
        return f"Key({self.name!r}, version={self.version})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__getstate__()

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"the key {self.name!r} does not travel: send its reference and resolve it where it is used")


def _are_bytes(*materials: object) -> bool:
    return all(isinstance(each, bytes | bytearray | memoryview) for each in materials)


def _problem(materials: Mapping[int, bytes], version: int, older: tuple[int, ...]) -> str:
    """Say what is wrong with the versions of a key; nothing if nothing is."""
    if not materials:
        return "a key is made of bytes, and of nothing else."
    for each in (version, *older):
        if isinstance(each, bool) or not isinstance(each, int) or each < 1:
            return "the versions of a key are whole numbers from 1."
    if any(each >= version for each in older):
        return f"an older version must have a lower number than the current one, which is {version}."
    for each in sorted(materials):
        if len(materials[each]) < MINIMUM_LENGTH:
            which = f" of version {each}" if older else ""
            return (
                f"{len(materials[each])} bytes{which} are too short for a key. "
                f"It must be base64 of at least {MINIMUM_LENGTH} random bytes; 32 are better."
            )
    return ""
