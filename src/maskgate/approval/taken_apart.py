"""A callable taken apart into a function and what was bound to it before, so that all of its arguments can be signed.

`functools.partial(delete, "customers")` has no parameter left that says `customers`, and a bound method none that says
of what object it is.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class TakenApart:
    """A function, and the arguments that it has already.

    Attributes:
        function: The function below all that was bound.
        positional: Arguments that come before those of a call.
        named: Arguments that a call may say anew.
    """

    function: Callable[..., Any]
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Callable[..., Any]) -> TakenApart:
        """Take a callable apart.

        Raises:
            UsageError: If it is bound to something that it does not show, or does not name its arguments.
        """
        taken = cls(given)
        while (inner := taken._one_less()) is not taken:
            taken = inner
        try:
            inspect.signature(taken.function)
        except ValueError:
            raise UsageError(f"{_name_of(taken.function)} does not say what its arguments are called.") from None
        if _hides_arguments(taken.function):
            raise UsageError(
                f"{_name_of(taken.function)} is bound to an object that it does not show, so that cannot be signed. "
                "Write a function that takes what matters as its arguments."
            )
        return taken

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """Say which argument is for which parameter of the function."""
        return inspect.signature(self.function).bind(*self.positional, *args, **{**self.named, **kwargs})

    def _one_less(self) -> TakenApart:
        function: Any = self.function
        if isinstance(function, functools.partial):
            named = {**function.keywords, **self.named}
            return TakenApart(function.func, (*function.args, *self.positional), named)
        if inspect.ismethod(function):
            return TakenApart(function.__func__, (function.__self__, *self.positional), self.named)
        call = getattr(type(function), "__call__")  # noqa: B004, B009  what it does when called, not whether it can be
        if inspect.isfunction(call) and not hasattr(function, "__wrapped__"):
            return TakenApart(call, (function, *self.positional), self.named)
        return self


def _name_of(function: Any) -> str:
    """Name it; what it is bound to, which its repr may show, stays out of a message."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _hides_arguments(function: Any) -> bool:
    """Whether it is bound to something in C, as `[1, 2].append` and `operator.itemgetter(1)` are."""
    if inspect.isbuiltin(function):
        return not isinstance(function.__self__, ModuleType | type | None)
    is_open = inspect.isfunction(function) or inspect.isclass(function) or inspect.ismethoddescriptor(function)
    return not (is_open or hasattr(function, "__wrapped__"))
