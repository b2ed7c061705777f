"""Named keys, and where they come from."""

from __future__ import annotations

from maskgate.keys.key import Key
from maskgate.keys.ring import KeyRing

__all__ = ["Key", "KeyRing"]
