"""Methods of others, found by the entry point group ``maskgate.methods``.

* A plugin's method has a dot in its name, so that it can never stand in for one of ours.
* Nothing is imported before a rules file names the method.
* What is wrong with a plugin is said in one message; its own errors, which may quote anything, are not shown.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING

from maskgate.errors import UsageError
from maskgate.keys.entry_points import entry_points
from maskgate.methods.method import Declaration, Method

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "maskgate.methods"
# What a rule says beside the options of its method.
FRAME = frozenset({"method", "domain", "key", "when", "on_invalid"})


def plugin_names() -> tuple[str, ...]:
    """Return the names of the methods that are installed beside ours, without loading any."""
    return tuple(sorted({each.name for each in entry_points(group=ENTRY_POINT_GROUP) if "." in each.name}))


def find_plugin(name: str) -> type[Method] | None:
    """Load the method that an installed distribution brings; None if none does.

    Args:
        name: Its name, with a dot in it.

    Raises:
        UsageError: If it cannot be loaded, or is no method.
    """
    found = {each.value: each for each in entry_points(group=ENTRY_POINT_GROUP, name=name)}
    if len(found) > 1:
        claims = " and ".join(sorted(_origin(each) for each in found.values()))
        raise UsageError(f"the method '{name}' is brought by {claims}. Uninstall all but one.")
    for entry in found.values():
        return _loaded(entry)
    return None


@cache
def _loaded(entry: EntryPoint) -> type[Method]:
    failure = ""
    try:
        loaded = entry.load()
    except Exception as error:  # noqa: BLE001  an import may fail in any way
        failure = type(error).__name__
    if failure:
        # Outside of the handler, so that the plugin's own error does not hang on to this one.
        raise UsageError(
            f"the method '{entry.name}' of {_origin(entry)} cannot be loaded ({failure}). "
            f"To see why: python -c 'import {entry.module}'"
        )
    problem = _problem(loaded, entry.name)
    if problem:
        raise UsageError(f"the method '{entry.name}' of {_origin(entry)} is not usable: {problem}")
    method: type[Method] = loaded
    return method


def _problem(loaded: object, name: str) -> str:
    """Return what keeps a thing from being the method of that name; empty if nothing does."""
    if not isinstance(loaded, type) or not issubclass(loaded, Method):
        return "it is not a subclass of maskgate.methods.Method."
    if inspect.isabstract(loaded):
        return f"it leaves out {', '.join(sorted(loaded.__abstractmethods__))}."
    declaration = getattr(loaded, "declaration", None)
    if not isinstance(declaration, Declaration):
        return "its `declaration` is not a maskgate.methods.Declaration."
    if declaration.name != name:
        return f"its declaration calls it '{declaration.name}', and its entry point '{name}'."
    return _problem_of_options([each.name for each in declaration.parameters])


def _problem_of_options(names: list[str]) -> str:
    reserved = sorted(FRAME.intersection(names))
    if reserved:
        return f"an option may not be called {', '.join(reserved)}."
    return "two of its options have the same name." if len(set(names)) < len(names) else ""


def _origin(entry: EntryPoint) -> str:
    distribution = entry.dist
    return entry.value if distribution is None else f"{distribution.name} {distribution.version} ({entry.value})"
