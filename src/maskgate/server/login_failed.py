"""What is said when somebody could not be logged in."""

from __future__ import annotations

from maskgate.errors import MaskgateError


class LoginFailed(MaskgateError):  # noqa: N818  a login fails; that is no fault of the gate
    """Nobody was logged in, and why.

    Args:
        message: What to tell the person.
        status: The HTTP status that fits.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message
