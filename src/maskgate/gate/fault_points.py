"""Where a release may be cut off: the table that the tests of law 11 go through, one process for each row.

A process that is told to (``MASKGATE_FAULT=kill:after copy``) ends itself by SIGKILL when it gets there, or stops
itself by SIGSTOP (``stop:…``) until somebody sends SIGCONT. Whoever can set the environment of a gate can end it
anyway. Unset, a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

from maskgate.errors import UsageError

VARIABLE = "MASKGATE_FAULT"

# In the order of a release. Those of `MODE_POINTS` are reached where a destination has an index, too.
POINTS = (
    "before consume",
    "after consume",
    "before copy",
    "in copy",
    "after copy",
    "before begin commit",
    "after begin commit",
    "before publish",
    "after publish",
    "before finish",
    "after finish",
)
MODE_POINTS = ("before index", "after index", "before tidying")
# And these where a releaser process masks.
MASK_POINTS = ("after masking was taken", "in masking", "after masking", "while masked files are brought")
# And these where a handler carries an action out.
HANDLER_POINTS = ("before handler", "after handler")
_ALL = (*POINTS, *MODE_POINTS, *MASK_POINTS, *HANDLER_POINTS)
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def _parsed(said: str) -> tuple[str, int]:
    if not said:
        return "", 0
    what, _, point = said.partition(":")
    if what not in _SIGNALS or point not in _ALL:
        known = ", ".join(_ALL)
        raise UsageError(f"{VARIABLE} is kill:POINT or stop:POINT, where POINT is one of: {known}.")
    return point, _SIGNALS[what]


_armed, _signal = _parsed(os.environ.get(VARIABLE, ""))


def arm(said: str) -> None:
    """Set, in this process alone, what the variable would have set; an empty text disarms.

    Raises:
        UsageError: If there is no such point.
    """
    global _armed, _signal
    _armed, _signal = _parsed(said)


def reach(point: str) -> None:
    """Be at a point of the table; a process stops there once."""
    global _armed  # noqa: PLW0603  likewise
    if point == _armed:
        _armed = ""
        os.kill(os.getpid(), _signal)
