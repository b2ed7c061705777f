"""Sealing, loaded when there is something to seal: it needs Arrow and every method, and a waiting gate neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate.gate.model import Sealed


def seal_lazily(*staged: Any, **options: Any) -> Sealed:
    """Seal as :func:`maskgate.gate.sealing.seal` does."""
    from maskgate.gate.sealing import seal  # noqa: PLC0415

    return seal(*staged, **options)
