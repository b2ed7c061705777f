"""Times as Airflow writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from maskgate.errors import HostUnreachable


def moment(value: str | None) -> datetime | None:
    """Read a time as Airflow writes it.

    Raises:
        HostUnreachable: If it is none.
    """
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise HostUnreachable("Airflow's answer has a time that is none; the gate tries again") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
