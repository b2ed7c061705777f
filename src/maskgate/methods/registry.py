"""Every method by its name in the rules file."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from maskgate.methods.drop import Drop
from maskgate.methods.generalize import Generalize
from maskgate.methods.keep import Keep
from maskgate.methods.mask import Mask
from maskgate.methods.noise import Noise
from maskgate.methods.nullify import Nullify
from maskgate.methods.redact import Redact
from maskgate.methods.shift_date import ShiftDate
from maskgate.methods.token import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.methods.method import Method

_ALL: tuple[type[Method], ...] = (
    Drop,
    Generalize,
    Keep,
    Mask,
    Noise,
    Nullify,
    Redact,
    ShiftDate,
    Token,
)

METHODS: Mapping[str, type[Method]] = MappingProxyType({method.declaration.name: method for method in _ALL})
