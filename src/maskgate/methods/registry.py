"""Every method by its name in the rules file: those of this package by a list, those of others by entry point."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from maskgate.methods.bottom_code import BottomCode
from maskgate.methods.drop import Drop
from maskgate.methods.fake import Fake
from maskgate.methods.generalize import Generalize
from maskgate.methods.keep import Keep
from maskgate.methods.mask import Mask
from maskgate.methods.noise import Noise
from maskgate.methods.nullify import Nullify
from maskgate.methods.plugins import find_plugin, plugin_names
from maskgate.methods.pram import Pram
from maskgate.methods.redact import Redact
from maskgate.methods.retokenize import Retokenize
from maskgate.methods.round import Round
from maskgate.methods.scrub import Scrub
from maskgate.methods.shift_date import ShiftDate
from maskgate.methods.shuffle import Shuffle
from maskgate.methods.swap import Swap
from maskgate.methods.token import Token
from maskgate.methods.top_code import TopCode
from maskgate.methods.truncate import Truncate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.methods.method import Method

_ALL: tuple[type[Method], ...] = (
    BottomCode,
    Drop,
    Fake,
    Generalize,
    Keep,
    Mask,
    Noise,
    Nullify,
    Pram,
    Redact,
    Retokenize,
    Round,
    Scrub,
    ShiftDate,
    Shuffle,
    Swap,
    Token,
    TopCode,
    Truncate,
)

METHODS: Mapping[str, type[Method]] = MappingProxyType({method.declaration.name: method for method in _ALL})


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
