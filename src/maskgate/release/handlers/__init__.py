"""What carries out approved actions at the gate: commands, HTTP calls, SQL statements, values back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.release.handlers.command import CommandHandler
from maskgate.release.handlers.http import HttpHandler
from maskgate.release.handlers.sql import SqlHandler

if TYPE_CHECKING:
    from maskgate.release.handlers.detokenize import DetokenizeHandler

__all__ = ["CommandHandler", "DetokenizeHandler", "HttpHandler", "SqlHandler"]


def __getattr__(name: str) -> Any:
    if name != "DetokenizeHandler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # It masks backwards, which takes Arrow and the methods.
    from maskgate.release.handlers.detokenize import DetokenizeHandler  # noqa: PLC0415

    return DetokenizeHandler
