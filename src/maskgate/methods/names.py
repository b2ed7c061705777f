"""The names of all methods of this package; what needs no more than these loads no method."""

from __future__ import annotations

NAMES = (
    "bottom_code",
    "drop",
    "fake",
    "generalize",
    "keep",
    "mask",
    "noise",
    "nullify",
    "pram",
    "redact",
    "retokenize",
    "round",
    "scrub",
    "shift_date",
    "shuffle",
    "swap",
    "token",
    "top_code",
    "truncate",
)
