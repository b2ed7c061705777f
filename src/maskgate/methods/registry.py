"""Every method by its name in the rules file: those of this package by a list, those of others by entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from maskgate.methods.names import NAMES
from maskgate.methods.plugins import find_plugin, plugin_names

if TYPE_CHECKING:
    from maskgate.methods.method import Method


class _Methods(Mapping[str, "type[Method]"]):
    """The methods by name: `top_code` is the class `TopCode` of `top_code.py`.

    Each is imported when it is asked for, since a rules file needs few.
    """

    def __getitem__(self, name: str) -> type[Method]:
        if name not in NAMES:
            raise KeyError(name)
        module = import_module(f"maskgate.methods.{name}")
        found: type[Method] = getattr(module, "".join(map(str.capitalize, name.split("_"))))
        return found

    def __contains__(self, name: object) -> bool:
        return name in NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


METHODS: Mapping[str, type[Method]] = _Methods()


def find_method(name: str, *, plugins: bool = True) -> type[Method] | None:
    """Return the method of a name; None if there is none.

    Args:
        name: What a rules file calls it; with a dot in it, it is a plugin's.
        plugins: Whether plugins may be loaded. The gate never does.

    Raises:
        UsageError: If a plugin of that name is installed and cannot be used.

    Example:
        >>> find_method("redact").__name__
        'Redact'
    """
    if "." in name:
        return find_plugin(name) if plugins else None
    return METHODS.get(name)


def method_names() -> tuple[str, ...]:
    """Return the names of all methods, those of plugins among them, without loading a plugin."""
    return (*METHODS, *plugin_names())
