"""Groups of the moment from Microsoft Graph, for people who are in more of them than Entra ID puts into a token.

It is asked with the access token of the person's own login. What it answers is about whom that token is of; that this
is who logged in, is checked when they do, by the object id. Whatever is in doubt is no group: they decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from maskgate.server.login_failed import LoginFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.server.login_provider import LoginProvider

_TIMEOUT_SECONDS = 10
# Graph lists no more than this, and says so by an error.
_MOST_GROUPS = 11_000
_OK = 200


def must_be_about(provider: LoginProvider, claims: Mapping[str, Any], access: str | None) -> None:
    """See that the access token is of the person whom the id token names.

    Raises:
        LoginFailed: If it is not, or either does not say.
    """
    said = claims.get("oid")
    found = _asked(provider, "GET", "me?$select=id", access).get("id")
    if not isinstance(said, str) or not said or found != said:
        raise LoginFailed(f"{provider.id} answered about somebody else", 502)


def read_graph_groups(provider: LoginProvider, access: str | None) -> tuple[str, ...]:
    """Return the object ids of every group that the person is in, through other groups too.

    Raises:
        LoginFailed: If Graph does not say so, or they are too many for it.
    """
    found = _asked(provider, "POST", "me/getMemberGroups", access).get("value")
    if not isinstance(found, list) or len(found) > _MOST_GROUPS:
        raise _unsaid(provider)
    if not all(isinstance(each, str) and each for each in found):
        raise _unsaid(provider)
    return tuple(sorted(set(found)))


def _asked(provider: LoginProvider, method: str, path: str, access: str | None) -> dict[str, Any]:
    if access is None:
        raise _unsaid(provider)
    body = {"securityEnabledOnly": False} if method == "POST" else None
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access}"}
    try:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as http:
            response = http.request(method, f"{provider.graph_url}/{path}", json=body, headers=headers)
        answer = response.json() if response.status_code == _OK else None
    except (httpx.HTTPError, ValueError):
        raise _unsaid(provider) from None
    if not isinstance(answer, dict):
        raise _unsaid(provider)
    return answer


def _unsaid(provider: LoginProvider) -> LoginFailed:
    return LoginFailed(
        f"Microsoft Graph does not say for {provider.id} which groups you are in now. Log in again; if that does not "
        "help, the application needs the permissions User.ReadBasic.All and GroupMember.Read.All",
        502,
    )
