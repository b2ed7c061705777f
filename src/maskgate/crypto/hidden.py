"""Bytes of a key that do not show where they are printed.

A traceback that lists local variables writes each by its repr, and so do many loggers. A key that is of this type from
the beginning shows in none of them, whichever line fails, be it for want of memory or at somebody's Ctrl-C.
"""

from __future__ import annotations

from typing import Any, NoReturn, SupportsIndex


class HiddenBytes(bytes):
    """Bytes for those who calculate with them, and nothing for those who print, copy or pickle them.

    Example:
        >>> secret = HiddenBytes(b"0123456789abcdef")
        >>> secret, f"{secret}", secret[:8], secret == b"0123456789abcdef"
        (<16 hidden bytes>, '<16 hidden bytes>', <8 hidden bytes>, True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden bytes>"

    __str__ = __repr__

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return HiddenBytes(part) if isinstance(part, bytes) else part

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("the bytes of a key do not travel")


def hidden(key: bytes) -> HiddenBytes:
    """Return the bytes of a key so that they do not show.

    Raises:
        TypeError: If it is not made of bytes.
    """
    if not isinstance(key, bytes | bytearray | memoryview):
        raise TypeError(f"a key is made of bytes, not of {type(key).__name__}")
    return HiddenBytes(key)
