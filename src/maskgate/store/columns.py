"""Column types that mean the same in every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String
from sqlalchemy.types import TypeDecorator

from maskgate.clock import moment, timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Dialect


class Moment(TypeDecorator["datetime"]):
    """A moment in UTC, kept as ISO 8601 text with milliseconds, so that text order is time order."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002  the base class gives it
        """Write the moment as text."""
        return None if value is None else timestamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  likewise
        """Read the text as a moment."""
        return None if value is None else moment(value)
