"""A real OpenID Connect provider on loopback, with the people that tests need."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import httpx


class Provider:
    """A real OpenID Connect provider, whose users log in by one click."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"

    def user(self, subject: str, **claims) -> None:
        """Add a user, or change what the provider says of one."""
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()

    def revoke_tokens(self, subject: str) -> None:
        """End what the provider let others ask in a user's name."""
        httpx.post(f"{self.issuer}/users/{subject}/revoke-tokens").raise_for_status()

    def authorize(self, url: str, subject: str, *, action: str = "") -> str:
        """Log a user in, as the provider's form does; return where the provider sends the browser."""
        answer = httpx.post(url, data={"sub": subject, "action": action})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@contextmanager
def running_provider():
    """Run a provider that knows two reviewers, one who asks, and two others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from oidc_provider_mock import run_server_in_thread  # noqa: PLC0415  its imports warn
    with run_server_in_thread(require_nonce=True) as server:
        found = Provider(server.server_port)
        found.user("reviewer", name="Rhea Viewer", groups=["privacy-team"])
        found.user("requester", name="Quentin", groups=["analysts"])
        found.user("second", name="Sam Second", groups=["privacy-team"])
        found.user("outsider", name="Olga", groups=["sales"])
        found.user("stranger", name="Stranger", groups=["privacy-team"])
        yield found
