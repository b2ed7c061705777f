"""A function that runs only after somebody has signed, with exactly the arguments that were signed, once.

Example::

    @requires_approval(action="rotate-key", resource="prod/customers", why="yearly rotation")
    def rotate(bits: int = 256): ...

    rotate(bits=512)  # asks, waits for a signature, runs

The level is *verify*: whoever can edit the function can leave the decorator out.
"""

from __future__ import annotations

import asyncio
import enum
import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from maskgate.approval.call import Call
from maskgate.approval.taken_apart import TakenApart
from maskgate.errors import UsageError
from maskgate.gate.calls import checked_arguments
from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What JSON says by itself, whatever a parameter is called.
_PLAIN = (str, int, float, list, tuple, dict)
# CPython's Py_TPFLAGS_IMMUTABLETYPE, of classes that are written in C: what they hold is in no attribute.
_IMMUTABLE = 1 << 8

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def requires_approval(
    *,
    action: str,
    resource: str | Callable[..., str],
    why: str = "",
    arguments: Callable[..., Mapping[str, Any]] | None = None,
    wait: float | None = None,
    client: Callable[[], GateClient] = GateClient.from_environment,
    fingerprint: str | None = None,
) -> Callable[[_Function], _Function]:
    """Let each call of a function wait for a signature.

    Args:
        action: The verb that policies match.
        resource: What it is about; or a function of the call's arguments that says so.
        why: Why, for the reviewer.
        arguments: A function of the call's arguments that says, as JSON values, what is to be signed. It has to name
            all that matters. By default all of them are signed, defaults too, and what JSON cannot say is refused. So
            is what a `functools.partial` or a bound method brings along. Of the object of a method, its class and its
            attributes are signed.
        wait: Seconds to wait for a signature; None for as long as the request is open. When they are over,
            `StillPending` is raised; the same call again finds the same request.
        client: Makes the connection to the gate; by default MASKGATE_URL and MASKGATE_TOKEN say where it is.
        fingerprint: Of the gate's key; by default MASKGATE_FINGERPRINT.

    Raises:
        UsageError: If the function is a generator, which does its work after it has returned.
    """
    asking = _Asking(action, resource, why, arguments, wait, client, fingerprint)

    def decorate(function: _Function) -> _Function:
        taken = TakenApart.of(function)
        plain = inspect.unwrap(taken.function)
        if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
            raise UsageError(
                f"{plain.__qualname__} is a generator: it works after it has returned, when nobody checks any more."
            )
        if inspect.iscoroutinefunction(taken.function):

            @functools.wraps(function)
            async def waiting(*args: Any, **kwargs: Any) -> Any:
                return await _run_async(asking, taken.bind(args, kwargs), taken.function)

            return waiting  # type: ignore[return-value]

        @functools.wraps(function)
        def blocking(*args: Any, **kwargs: Any) -> Any:
            return _run(asking, taken.bind(args, kwargs), taken.function)

        return blocking  # type: ignore[return-value]

    return decorate


@dataclass(frozen=True)
class _Asking:
    """What the decorator was told."""

    action: str
    resource: str | Callable[..., str]
    why: str
    arguments: Callable[..., Mapping[str, Any]] | None
    wait: float | None
    client: Callable[[], GateClient]
    fingerprint: str | None

    def signed_of(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        """Say what is signed of a call, as it is now."""
        if self.arguments is not None:
            return checked_arguments(dict(self.arguments(*bound.args, **bound.kwargs)))
        bound.apply_defaults()
        return checked_arguments({name: _as_signed(name, value) for name, value in bound.arguments.items()})

    def resource_of(self, bound: inspect.BoundArguments) -> str:
        """Say what a call is about, as it is now."""
        return self.resource if isinstance(self.resource, str) else self.resource(*bound.args, **bound.kwargs)

    def check(self, call: Call, bound: inspect.BoundArguments) -> None:
        """See once more, right before the call, that nobody has changed a list or an object that was signed."""
        call.must_still_be(self.signed_of(bound), self.resource_of(bound))

    def asked(self, client: GateClient, bound: inspect.BoundArguments) -> Call:
        """Ask, and wait for a signature."""
        resource, signed = self.resource_of(bound), self.signed_of(bound)
        call = Call(client, self.action, resource, why=self.why, arguments=signed, fingerprint=self.fingerprint)
        call.wait(self.wait)
        return call


def _as_signed(name: str, value: Any) -> Any:
    """Say of a method's object what is signed: its class, and all that it holds."""
    if name == "cls" and isinstance(value, type):
        return _class_of(value)
    if name != "self" or _is_plain(value):
        return value
    try:
        return {"class": _class_of(type(value)), "attributes": checked_arguments(_attributes_of(value))}
    except UsageError as error:
        raise UsageError(
            f"self holds what JSON cannot say ({error}). Say what is to be signed of a call by `arguments=`, such as "
            'lambda self, days: {"account": self.account, "days": days}.'
        ) from None


def _is_plain(value: object) -> bool:
    """Whether JSON says all of a value: it is a text, a number, a list or a mapping, without attributes beside that."""
    return isinstance(value, _PLAIN) and (isinstance(value, enum.Enum) or not object.__getstate__(value))


def _attributes_of(value: object) -> dict[str, Any]:
    """Collect what an object holds, in its slots too.

    Raises:
        UsageError: If it does not show that, as a set does not.
    """
    is_of_c = any(kind.__flags__ & _IMMUTABLE for kind in type(value).__mro__ if kind is not object)
    state = None if is_of_c else object.__getstate__(value)
    if state is None and (is_of_c or not hasattr(value, "__dict__")):
        raise UsageError(f"{type(value).__name__} does not show what it holds")
    named, slots = state if isinstance(state, tuple) else (state, None)
    return {**(named or {}), **(slots or {})}


def _class_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _run(asking: _Asking, bound: inspect.BoundArguments, function: Callable[..., Any]) -> Any:
    with asking.client() as client:
        call = asking.asked(client, bound)
        begun = call.begin(asking.signed_of(bound))
        try:
            asking.check(call, bound)
            with call.carrying_out(begun):
                result = _worked(function(*bound.args, **bound.kwargs))
        except BaseException:
            call.report(begun, succeeded=False)
            raise
        call.report(begun, succeeded=True)
        return result


def _worked(result: Any) -> Any:
    """Return what a function returned, unless it has not begun to work.

    Raises:
        UsageError: If it is a coroutine or a generator. It is closed, and does nothing.
    """
    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()
    elif not inspect.isasyncgen(result):
        return result
    raise UsageError(
        f"the function returned a {type(result).__name__}, which would work when nobody checks any more. It was closed "
        "before it began. Decorate the function that makes it (`async def`), and ask again."
    )


async def _run_async(asking: _Asking, bound: inspect.BoundArguments, function: Callable[..., Any]) -> Any:
    with asking.client() as client:
        call = await asyncio.to_thread(asking.asked, client, bound)
        begun = await asyncio.to_thread(call.begin, asking.signed_of(bound))
        try:
            asking.check(call, bound)
            with call.carrying_out(begun):
                result = _worked(await function(*bound.args, **bound.kwargs))
        except BaseException:
            await asyncio.shield(asyncio.to_thread(call.report, begun, succeeded=False))
            raise
        await asyncio.to_thread(call.report, begun, succeeded=True)
        return result
