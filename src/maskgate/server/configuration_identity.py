"""``login:`` and ``tokens:`` of the configuration: who people are, and whose the tokens are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.gate.model import GROUPS_ARE_FRESH
from maskgate.gate.tokens import ROLES, USUAL_TOKENS, TokenHolder
from maskgate.notify.webhook import is_safe_address
from maskgate.server.login_provider import GRAPH, GROUPS_FROM, LoginProvider

if TYPE_CHECKING:
    from maskgate.server.configuration_section import Section

_LOGIN = ("issuer", "client_id", "client_secret", "groups_claim", "groups_from", "groups_fresh", "scope", "graph_url")
# So that the access token of a login may ask Microsoft Graph for the person's groups.
_GRAPH_SCOPE = "openid profile User.ReadBasic.All GroupMember.Read.All"
_TOKEN = ("role", "owner", "agent", "on_behalf_of")
_MINUTES = re.compile(r"([1-9][0-9]{0,3})(m|h)")
_LONGEST_FRESH = timedelta(hours=12)
_LONGEST_NAME = 60


def read_logins(root: Section) -> dict[str, LoginProvider]:
    """Read the identity providers."""
    return {section.name: _login(section) for section in root.sections("login", _LOGIN)}


def read_tokens(root: Section) -> dict[str, TokenHolder]:
    """Read whose each token is; `pipeline` and `auditor` are there in any case."""
    return {**USUAL_TOKENS, **{section.name: _token(section) for section in root.sections("tokens", _TOKEN)}}


def _login(section: Section) -> LoginProvider:
    section.required("issuer", "client_id")
    if section.url("issuer", "") and not is_safe_address(section.string("issuer")):
        section.problem("issuer", "must be an https URL (http is for this machine alone)")
    return LoginProvider(
        id=section.name,
        issuer=section.string("issuer"),  # as it stands: tokens must name it letter by letter
        client_id=section.string("client_id"),
        client_secret=section.secret("client_secret") or None,
        groups_claim=section.string("groups_claim") or "groups",
        groups_from=section.choice("groups_from", GROUPS_FROM, default="id_token"),
        groups_fresh=_fresh(section),
        scope=_scope(section),
        graph_url=_graph_url(section),
    )


def _graph_url(section: Section) -> str:
    if "graph_url" in section and section.string("groups_from") != "graph":
        section.problem("graph_url", "says nothing without `groups_from: graph`")
    url = section.url("graph_url", GRAPH)
    if not is_safe_address(url):
        section.problem("graph_url", "must be an https URL (http is for this machine alone)")
    return url


def _fresh(section: Section) -> timedelta:
    if "groups_fresh" not in section:
        return GROUPS_ARE_FRESH
    if (source := section.string("groups_from")) in {"userinfo", "graph"}:
        section.problem("groups_fresh", f"says nothing: with `groups_from: {source}` groups are asked for each time")
    fits = _MINUTES.fullmatch(section.string("groups_fresh"))
    length = timedelta(0) if fits is None else timedelta(minutes=int(fits[1]) * (60 if fits[2] == "h" else 1))
    if not timedelta(0) < length <= _LONGEST_FRESH:
        section.problem("groups_fresh", "must be a time such as 30m or 4h, of at most 12h")
        return GROUPS_ARE_FRESH
    return length


def _scope(section: Section) -> str:
    scope = section.string("scope") or (_GRAPH_SCOPE if section.string("groups_from") == "graph" else "openid profile")
    if "openid" not in scope.split():
        section.problem("scope", "must have `openid` in it, or nobody learns who logged in")
    return scope


def _token(section: Section) -> TokenHolder:
    usual = USUAL_TOKENS.get(section.name)
    if usual is None:
        section.required("role")
    role = section.choice("role", ROLES, default=usual.role if usual else ROLES[0])
    if usual is not None and role != usual.role:
        section.problem("role", f"is {usual.role}: a token of this name is made in any case. Choose another name")
    if len(section.name) > _LONGEST_NAME:
        section.problem("role", f"belongs to a token with too long a name; {_LONGEST_NAME} letters are the most")
    holder = TokenHolder(
        name=section.name,
        role=role,
        owner=section.string("owner") or None,
        agent=section.boolean("agent", default=False),
        on_behalf_of=section.string("on_behalf_of") or None,
    )
    for name in ("agent", "on_behalf_of"):
        if role == "auditor" and name in section:
            section.problem(name, "says nothing of an auditor's token: it asks for nothing")
    return holder
