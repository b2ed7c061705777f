"""Named keys, and where they come from."""

from __future__ import annotations

from maskgate.keys.key import Key
from maskgate.keys.ring import KeyRing
from maskgate.keys.source import KeySource

__all__ = ["Key", "KeyRing", "KeySource"]
