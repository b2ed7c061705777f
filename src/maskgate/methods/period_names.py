"""The periods that a date can be generalized to, the coarsest first; a week lies in no month."""

from __future__ import annotations

PERIODS = ("year", "quarter", "month", "week")
