"""How deep the objects and lists of JSON lines go: Arrow, which finds their types, ends the process at some depth."""

from __future__ import annotations

import re

import numpy as np

_MOST = 100
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_ALL = bytes(range(256))
_NOT_OPENING, _NOT_NESTING = _ALL.translate(None, b"{[\n"), _ALL.translate(None, b"{[}]")


def is_too_deep(lines: bytes) -> bool:
    """Say whether there are objects and lists in more than a hundred levels."""
    # What opens in a line, be it in a text, is more than any depth, and soon counted.
    if max(map(len, lines.translate(None, _NOT_OPENING).split(b"\n"))) <= _MOST:
        return False
    marks = np.frombuffer(_TEXT.sub(b"", lines).translate(None, _NOT_NESTING), np.uint8)
    level = np.cumsum(np.where((marks == ord("{")) | (marks == ord("[")), 1, -1))
    # Where more is closed than was opened, what follows is no less deep.
    return bool(len(level) and (level - np.minimum.accumulate(np.minimum(level, 0))).max() > _MOST)
