"""A decision must come from a page that this gate showed to this session.

* A form carries a token made for this session and this request.
* Where the browser says from where a form was sent, that must be this gate.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed
from maskgate.gate.relying_party import origin

if TYPE_CHECKING:
    from starlette.requests import Request

    from maskgate.server.sessions import Session


def csrf_token(session: Session, purpose: str) -> str:
    """Make the token of a session for one purpose, such as ``requests/req_1``."""
    return hmac.new(session.secret, f"maskgate/csrf/{purpose}".encode(), sha256).hexdigest()


def check_csrf(request: Request, session: Session, purpose: str, token: str | None, url: str) -> None:
    """Let a change through only if this gate's own page sent it.

    Args:
        request: What the browser sent.
        session: Whose session.
        purpose: What the token was made for.
        token: What came back.
        url: Where people reach this gate.

    Raises:
        NotAllowed: If the token or the origin is missing or another.
    """
    check_origin(request, url)
    expected = csrf_token(session, purpose).encode("ascii")
    if not hmac.compare_digest((token or "").encode("utf-8", "replace"), expected):
        raise NotAllowed("the form's token is missing or is not of this session. Open the page again and decide there")


def check_origin(request: Request, url: str) -> None:
    """Refuse what a browser says was sent from another site.

    Raises:
        NotAllowed: If ``Sec-Fetch-Site`` or ``Origin`` names another place.
    """
    site = request.headers.get("sec-fetch-site")
    given = request.headers.get("origin")
    if (site is not None and site != "same-origin") or (given is not None and given != origin(url)):
        raise NotAllowed(f"this was sent from another site. Open {url} and decide there")
