"""Every method by its name in the rules file: those of this package by a list, those of others by entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from maskgate.methods.plugins import find_plugin, plugin_names

if TYPE_CHECKING:
    from maskgate.methods.method import Method

# Each in a file of its own name.
_CLASSES = {
    "bottom_code": "BottomCode",
    "drop": "Drop",
    "fake": "Fake",
    "generalize": "Generalize",
    "keep": "Keep",
    "mask": "Mask",
    "noise": "Noise",
    "nullify": "Nullify",
    "pram": "Pram",
    "redact": "Redact",
    "retokenize": "Retokenize",
    "round": "Round",
    "scrub": "Scrub",
    "shift_date": "ShiftDate",
    "shuffle": "Shuffle",
    "swap": "Swap",
    "token": "Token",
    "top_code": "TopCode",
    "truncate": "Truncate",
}


class _Methods(Mapping[str, "type[Method]"]):
    """The methods by name; each is imported when it is asked for, since a rules file needs a few."""

    def __getitem__(self, name: str) -> type[Method]:
        kind = _CLASSES[name]
        found: type[Method] = getattr(import_module(f"maskgate.methods.{name}"), kind)
        return found

    def __contains__(self, name: object) -> bool:
        return name in _CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


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
