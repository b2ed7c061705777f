"""Our errors, as outcomes of an Airflow task.

* The gate did not answer: the task fails and may be retried, because nothing has been decided or released.
* Everything else that Maskgate says: the task fails for good. Asking again would bring the same answer.
* Nothing is ever *skipped*: a skipped task lets some trigger rules run what comes after.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from maskgate.errors import GateUnreachable, MaskgateError, StillPending
from maskgate_airflow.host_version import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate_airflow.host_version import Context

# About ten minutes in all, so that a gate may be restarted or upgraded while pipelines run.
_PATIENCE: dict[str, Any] = {
    "retries": 6,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
}


def with_patience(arguments: dict[str, Any]) -> dict[str, Any]:
    """Add retries with back-off to an operator's arguments, where neither the task nor its DAG sets them."""
    given = {**(arguments.get("default_args") or {}), **arguments}
    return {**arguments, **{name: value for name, value in _PATIENCE.items() if name not in given}}


@contextmanager
def airflow_outcomes(context: Context) -> Iterator[None]:
    """Translate what Maskgate says into what Airflow understands.

    Raises:
        AirflowException: If the gate did not answer; Airflow tries again as often as the task says.
        AirflowFailException: If the gate says no, or cannot make sense of what was asked.
    """
    try:
        yield
    except GateUnreachable as error:
        raise AirflowException(f"{_sentence(error)} {_what_now(context)}") from error
    except StillPending as error:
        raise AirflowFailException(
            f"{_sentence(error)} Nothing was released. Once the request is signed, clear this task to run it again."
        ) from error
    except MaskgateError as error:
        raise AirflowFailException(str(error)) from error


def _sentence(error: MaskgateError) -> str:
    return str(error).rstrip(".") + "."


def _what_now(context: Context) -> str:
    task = context["ti"]
    if task.try_number <= (task.max_tries or 0):
        return f"This was try {task.try_number} of {task.max_tries + 1}; Airflow tries again by itself."
    return (
        f"This was the last of {task.try_number} tries, and the task fails closed: it released nothing. Start the "
        "gate, test the connection, then clear this task."
    )
