"""A named key whose bytes do not show.

* The bytes are in no repr, no error, no log.
* A key does not travel between processes: it cannot be pickled or copied. Send its reference and resolve it there.
"""

from __future__ import annotations

from typing import NoReturn

from maskgate.crypto.derive import derive_subkey
from maskgate.errors import KeyReferenceError

MINIMUM_LENGTH = 16


class Key:
    """One version of a named root key. It hands out subkeys, never itself.

    Args:
        name: What the rules file calls it.
        material: Its bytes, evenly random; at least 16, better 32.
        version: Which version of the key this is.

    Raises:
        KeyReferenceError: If there are too few bytes.
    """

    __slots__ = ("__material", "name", "version")

    def __init__(self, name: str, material: bytes, version: int = 1) -> None:
        if len(material) < MINIMUM_LENGTH:
            length, material = len(material), b""
            raise KeyReferenceError(too_short(name, length))
        self.name = name
        self.version = version
        self.__material = bytes(material)

    def subkey(self, *, purpose: str, scheme: str = "", domain: str = "", length: int = 32) -> bytes:
        """Derive the subkey for one use; different uses never share one.

        Args:
            purpose: What it is for, such as ``token``.
            scheme: The algorithm that will use it.
            domain: The domain or context it belongs to.
            length: Bytes wanted.
        """
        return derive_subkey(
            self.__material, purpose=purpose, scheme=scheme, domain=domain, version=self.version, length=length
        )

    def __repr__(self) -> str:
        return f"Key({self.name!r}, version={self.version})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError(f"the key {self.name!r} does not travel: send its reference and resolve it where it is used")


def too_short(name: str, length: int) -> str:
    """Say that a key has too few bytes."""
    return (
        f'key "{name}": {length} bytes are too short for a key. '
        f"It must be base64 of at least {MINIMUM_LENGTH} random bytes; 32 are better."
    )
