"""Maskgate's errors as HTTP answers: the status, and a problem document in the error's own words."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from maskgate.errors import (
    Conflict,
    DatabaseUnreachable,
    HostUnreachable,
    MaskgateError,
    NotAllowed,
    NotFound,
    Refused,
    StillPending,
    TooMany,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"


class NotAuthenticated(MaskgateError):  # noqa: N818  reads as what it is
    """Nobody is known to call."""


class TooSlow(MaskgateError):  # noqa: N818  reads as what it is
    """The body took longer than any sensible one."""


class TooLarge(MaskgateError):  # noqa: N818  reads as what it is
    """The body is larger than any sensible one."""


# The most particular first: an error is answered as the first of these that it is.
_STATUSES: tuple[tuple[type[MaskgateError], HTTPStatus], ...] = (
    (NotAuthenticated, HTTPStatus.UNAUTHORIZED),
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (TooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (StillPending, HTTPStatus.CONFLICT),
    (HostUnreachable, HTTPStatus.BAD_GATEWAY),
    (DatabaseUnreachable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def status_of(error: MaskgateError) -> int:
    """Return the HTTP status that fits an error; 500 for one that is nobody's mistake but ours."""
    return next((int(status) for kind, status in _STATUSES if isinstance(error, kind)), 500)


def code_of(error: MaskgateError) -> str:
    """Return an error's name for programs.

    Example:
        >>> code_of(NotAllowed("no"))
        'not_allowed'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def problem(status: int, detail: str, code: str) -> dict[str, Any]:
    """Write a problem document (RFC 9457)."""
    return {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}


def problem_of(error: MaskgateError) -> dict[str, Any]:
    """Write an error as a problem document."""
    return problem(status_of(error), str(error), code_of(error))
