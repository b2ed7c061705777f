"""What the routes work with, made once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from maskgate.clock import Clock
    from maskgate.gate.service import Gate
    from maskgate.server.background import Background
    from maskgate.server.login import Login
    from maskgate.server.login_state import LoginState
    from maskgate.server.sessions import Sessions


@dataclass(frozen=True)
class Services:
    """The parts of one running gate.

    Attributes:
        gate: The verbs.
        clock: What time it is.
        url: Where people reach it.
        sessions: Who is logged in.
        logins: Identity providers by id.
        login_state: What a login under way has to fit.
        background: The threads that seal, release and sweep.
    """

    gate: Gate
    clock: Clock
    url: str
    sessions: Sessions
    logins: Mapping[str, Login]
    login_state: LoginState
    background: Background


def services_of(request: Request) -> Services:
    """Return the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
