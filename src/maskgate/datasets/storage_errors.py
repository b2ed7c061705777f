"""What storage says of a failure, in words that hold no credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from maskgate.errors import DatasetError, MaskgateError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def reason_of(error: Exception) -> str:
    """Return what the system says of a failure, or else the kind of the error: never its own text."""
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__


def translated(place: str, act: Callable[[], T]) -> T:
    """Do something with storage.

    Raises:
        DatasetError: If it fails.
    """
    failure = ""
    try:
        return act()
    except MaskgateError:
        raise
    except FileExistsError:
        failure = "it exists already. Choose another target, or remove it first."
    except Exception as error:  # noqa: BLE001  each filesystem has its own errors, and they may hold credentials
        failure = f"it cannot be written: {reason_of(error)}."
    raise DatasetError(f"{place}: {failure}")
