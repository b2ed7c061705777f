"""The web application: routes, what stands before them, and how errors read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.staticfiles import StaticFiles

from maskgate.errors import MaskgateError
from maskgate.server import (
    api,
    command_line_routes,
    handler_routes,
    key_routes,
    login_routes,
    masking_routes,
    pages,
    passkey_routes,
    reconciliation_page,
    releaser_routes,
    reviewing_pages,
    reviewing_routes,
    status_routes,
)
from maskgate.server.body_limit import BodyLimit
from maskgate.server.host_check import HostCheck
from maskgate.server.login_failed import LoginFailed
from maskgate.server.mistakes import Mistakes
from maskgate.server.problems import MEDIA_TYPE, NotAuthenticated, problem, problem_of, status_of
from maskgate.server.rendering import STATIC, render_message
from maskgate.server.security_headers import SecurityHeaders
from maskgate.server.visiting import LoginNeeded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.server.services import Services

_API = "/api/"
_API_ROUTERS = (
    api.router,
    key_routes.router,
    releaser_routes.router,
    masking_routes.router,
    handler_routes.router,
    command_line_routes.exchange,
    reviewing_routes.router,
)
# Uploads wait for their clients in threads of their own number, so that slow ones keep nobody else waiting.
_MOST_UPLOADS = 8
_CODES = {401: "not_authenticated", 403: "not_allowed", 404: "not_found", 405: "method_not_allowed", 422: "usage_error"}
_TITLES = {
    401: "Log in first",
    403: "Not allowed",
    404: "Not here",
    405: "Not this way",
    409: "Not any more",
    502: "No answer",
}


def make_app(services: Services) -> FastAPI:
    """Put the application together."""
    app = FastAPI(
        title="Maskgate",
        summary="Mask the personal data in your pipelines. Release it only when someone else has signed.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.uploads = CapacityLimiter(_MOST_UPLOADS)
    for router in (
        *_API_ROUTERS,
        status_routes.router,
        login_routes.router,
        command_line_routes.router,
        passkey_routes.router,
        pages.router,
        reviewing_pages.router,
        reconciliation_page.router,
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(MaskgateError, answer_error)
    app.add_exception_handler(StarletteHTTPException, answer_http_error)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_middleware(BodyLimit)
    app.add_middleware(HostCheck, url=services.url)
    app.add_middleware(Mistakes)
    app.add_middleware(SecurityHeaders, https=services.url.startswith("https://"))
    return app


def answer_error(request: Request, error: Exception) -> Response:
    """Answer one of our errors, as a problem document or as a page."""
    if isinstance(error, LoginNeeded):
        return RedirectResponse(error.location, status_code=303)
    if isinstance(error, LoginFailed):
        return render_message(
            "Not logged in", error.message, status=error.status, tone="bad", link=("/login", "Log in")
        )
    if not isinstance(error, MaskgateError):
        raise error
    status = status_of(error)
    if request.url.path.startswith(_API):
        headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
        return JSONResponse(problem_of(error), status, headers, MEDIA_TYPE)
    return _page(status, str(error))


def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refused, such as a path that is not there."""
    status = error.status_code if isinstance(error, HTTPException | StarletteHTTPException) else 500
    detail = str(getattr(error, "detail", ""))
    headers = getattr(error, "headers", None)
    if request.url.path.startswith(_API):
        code = _CODES.get(status, "error")
        return JSONResponse(problem(status, detail, code), status, headers, MEDIA_TYPE)
    texts = {
        404: "There is no such page, or it is not for you.",
        405: "This address only takes what a form of this gate sends. Links and previews change nothing here.",
    }
    answer = _page(status, texts.get(status, detail))
    answer.headers.update(headers or {})
    return answer


def answer_invalid(request: Request, error: Exception) -> Response:
    """Answer input of another shape, naming the places and not the input."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    places = [f"{'.'.join(str(part)[:60] for part in each['loc'])}: {_what_is_wrong(each)}" for each in found[:20]]
    detail = "; ".join(places)
    if request.url.path.startswith(_API):
        return JSONResponse(problem(422, detail, "usage_error"), 422, media_type=MEDIA_TYPE)
    return _page(422, f"This form is not understood: {detail}")


def _what_is_wrong(found: Mapping[str, Any]) -> str:
    """Say what would be right, in the words of the schema and not of the input."""
    expected: Mapping[str, Any] = found.get("ctx") or {}
    kind = str(found["type"])
    return _MESSAGES.get(kind, kind).format_map(expected)


_MESSAGES = {
    "extra_forbidden": "is not known",
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "has another form than {pattern}",
    "literal_error": "must be {expected}",
    "int_parsing": "must be a whole number",
    "list_type": "must be a list",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
    "dict_type": "must be an object",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    **dict.fromkeys(("less_than", "less_than_equal"), "is too large"),
    **dict.fromkeys(("greater_than", "greater_than_equal"), "is too small"),
    **dict.fromkeys(
        ("moment_type", "datetime_from_date_parsing", "datetime_parsing", "timezone_aware"),
        "must be a moment with its zone, such as 2026-01-31T12:00:00Z",
    ),
    "model_attributes_type": "must be a JSON object (with Content-Type: application/json)",
}


def _page(status: int, text: str) -> Response:
    link = ("/login", "Log in") if status == 401 else ("/", "All requests")  # noqa: PLR2004  HTTP's number
    return render_message(_TITLES.get(status, "Not done"), text, status=status, tone="bad", link=link)
