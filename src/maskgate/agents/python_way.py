"""A tool that is a Python function, and what it returns as JSON values."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.agents.tools import Result
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(frozen=True)
class PythonWay:
    """A Python function, ``module:name``, called with the arguments by name; a coroutine is awaited."""

    function: str

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "python", "function": self.function}

    def check(self, arguments: Mapping[str, Any]) -> None:  # noqa: ARG002  the protocol's signature
        """Look for the function.

        Raises:
            UsageError: If it is not there.
        """
        self._found()

    def run(self, arguments: Mapping[str, Any]) -> Result:
        """Call it."""
        function = self._found()
        try:
            value = function(**arguments)
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            return _result_of(value)
        except Exception as error:  # noqa: BLE001  a tool may raise what it likes; the agent is told of it
            return Result(_valid(f"{type(error).__name__}: {error}"), succeeded=False)

    def _found(self) -> Callable[..., Any]:
        module, _, name = self.function.partition(":")
        try:
            function = getattr(importlib.import_module(module), name, None)
        except Exception as error:  # noqa: BLE001  a module may fail in any way; which one, its traceback says to itself
            raise UsageError(f"the module {module} cannot be imported ({type(error).__name__})") from None
        if not callable(function):
            raise UsageError(f"there is no function {self.function}")
        return function  # type: ignore[no-any-return]


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _result_of(value: Any) -> Result:
    """Say what a function returned, as JSON values where JSON has a place for them."""
    if isinstance(value, str):
        return Result(_valid(value), value=_valid(value))
    try:
        text = _valid(json.dumps(value, default=str, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return Result(_valid(str(value)))  # such as keys that are no texts
    return Result(text, value=json.loads(text))


def _valid(text: str) -> str:
    """Return a text that UTF-8 can write; half a pair of surrogates becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
