"""What storage says of a failure, in words that hold no credentials."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from maskgate.errors import DatasetError, MaskgateError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Stores raise these with texts of their own.
_OF_STORES = (
    (FileNotFoundError, "there is no such bucket, container or object"),
    (PermissionError, "the store does not permit it"),
    (TimeoutError, "the store did not answer in time"),
)


def reason_of(error: Exception) -> str:
    """Return what the system says of a failure, or else the kind of the error: never its own text."""
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return os.strerror(error.errno)
    return next((shown for kind, shown in _OF_STORES if isinstance(error, kind)), type(error).__name__)


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
