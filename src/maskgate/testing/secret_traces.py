"""Looks for a secret in everything that an error drags along: its words, its causes, the locals of its frames."""

from __future__ import annotations

import gc
import traceback
from pathlib import PurePath
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH = 6
_OPAQUE = (ModuleType, FunctionType, MethodType, CodeType, FrameType, type)


def traces_of(secret: bytes | str, error: BaseException) -> list[str]:
    """Say where an error gives a secret away.

    Args:
        secret: What must not be found, as bytes or as text.
        error: What was raised.

    Returns:
        A line for each place: the words of the traceback, or a local variable of a frame of Maskgate's own code,
        however deep inside of it.
    """
    found = []
    if _shown(secret) in "".join(traceback.format_exception(error)):
        found.append("the words of the traceback")
    for each in _chain(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if "maskgate" not in PurePath(frame.f_code.co_filename).parts:
                continue
            for name, value in frame.f_locals.items():
                if _holds(value, secret, _DEPTH):
                    found.append(f"{name} in {frame.f_code.co_qualname}")
    return found


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _holds(value: Any, secret: bytes | str, depth: int) -> bool:
    if isinstance(value, str):
        return _shown(secret) in value
    if isinstance(value, bytes | bytearray):
        return (secret if isinstance(secret, bytes) else secret.encode()) in value
    if depth == 0 or isinstance(value, _OPAQUE):
        return False
    return any(_holds(each, secret, depth - 1) for each in gc.get_referents(value))


def _shown(secret: bytes | str) -> str:
    return secret if isinstance(secret, str) else secret.decode("latin-1")
