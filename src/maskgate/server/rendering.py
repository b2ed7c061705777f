"""Templates: everything escaped, nothing undefined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from maskgate.server.csrf import csrf_token

if TYPE_CHECKING:
    from maskgate.server.callers import Visitor

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(viewer=None, here="", refresh_seconds=0)


def render(template: str, *, status: int = 200, visitor: Visitor | None = None, **values: Any) -> HTMLResponse:
    """Fill a template, for a person or for nobody in particular."""
    viewer = None if visitor is None else viewer_of(visitor, values.pop("person", None))
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(viewer=viewer, **values), status_code=status)


def viewer_of(visitor: Visitor, person: str | None) -> dict[str, Any]:
    """Return what the bar on top says of the person."""
    session = visitor.session
    return {"name": session.name, "person": person, "logout_token": csrf_token(session, "logout")}


def render_message(
    title: str,
    text: str,
    *,
    status: int = 200,
    tone: str = "",
    link: tuple[str, str] | None = None,
    visitor: Visitor | None = None,
) -> HTMLResponse:
    """Say one thing on a page of its own, and where to go on."""
    to = None if link is None else {"path": link[0], "text": link[1]}
    return render("message.html", status=status, visitor=visitor, title=title, text=text, tone=tone, link=to)
