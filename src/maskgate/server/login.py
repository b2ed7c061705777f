"""Login at an identity provider: OpenID Connect, authorization code with PKCE.

* Only issuers of the gate's configuration; the discovery document must name the same issuer.
* The id token counts after its signature (pinned algorithms), issuer, audience, nonce and times were checked.
* A person is the login's name and the stable subject, never an e-mail address or a display name.
* Groups are those of this very login, or of the moment of the decision. "Too many, look elsewhere" is a refusal.
"""

from __future__ import annotations

import secrets
import time
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from maskgate.notify.plain_text import plain
from maskgate.server.graph_groups import must_be_about, read_graph_groups
from maskgate.server.login_claims import NO_PROOF, Proof, read_groups, read_proof, read_subject
from maskgate.server.login_failed import LoginFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.server.login_provider import LoginProvider

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
LEEWAY_SECONDS = 60
_TIMEOUT_SECONDS = 10.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Begun:
    """A login under way: what the callback has to fit."""

    url: str
    state: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True)
class Identified:
    """Who logged in, and how sure that is."""

    account: str
    name: str
    groups: tuple[str, ...]
    proof: Proof = NO_PROOF


class Login:
    """The conversation with one identity provider.

    Args:
        provider: Which one.
        redirect_uri: Where it sends people back to.
    """

    def __init__(self, provider: LoginProvider, redirect_uri: str) -> None:
        self.provider = provider
        self.redirect_uri = redirect_uri
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    def begin(self, *, fresh: bool = False) -> Begun:
        """Make the address to send a person to.

        Args:
            fresh: Whether the provider is to ask the person for proof, even if they are logged in there.
        """
        anew = {"prompt": "login", "max_age": "0"} if fresh else {}
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        with self._client() as client:
            url, state = client.create_authorization_url(
                self._discovered()["authorization_endpoint"], nonce=nonce, code_verifier=verifier, **anew
            )
        return Begun(url=url, state=state, nonce=nonce, code_verifier=verifier)

    def complete(self, code: str, nonce: str, code_verifier: str) -> Identified:
        """Exchange a code for who logged in.

        Raises:
            LoginFailed: If the provider or its token does not fit.
        """
        token, access = self._exchange(code, code_verifier)
        return self._identified(self._verified_claims(token, nonce), access)

    def _exchange(self, code: str, code_verifier: str) -> tuple[str, str | None]:
        authlib = _authlib()
        endpoint = self._discovered()["token_endpoint"]
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=code_verifier
                )
        except authlib.OAuthError as error:
            raise self._not_exchanged(plain(error.error, longest=40)) from None
        except (httpx.HTTPError, ValueError):
            raise self._unreachable() from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginFailed(f"{self.provider.id} did not say who you are (no id_token)", 502)
        access = answer.get("access_token")
        return token, access if isinstance(access, str) else None

    def _not_exchanged(self, code: str) -> LoginFailed:
        if code == "invalid_grant":
            return LoginFailed("this login was used before or took too long. Please log in again")
        return LoginFailed(
            f"{self.provider.id} does not accept this gate ({code}). Its operator has to correct `login:`", 502
        )

    def _verified_claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(time.time()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.provider.issuer},
            aud={"essential": True, "value": self.provider.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token)
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise LoginFailed(
                f"the token of {self.provider.id} does not hold ({type(error).__name__}). Please log in again"
            ) from None
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if claims.get("azp", None if several else self.provider.client_id) != self.provider.client_id:
            raise LoginFailed(f"the token of {self.provider.id} was made for another application")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims
        except InvalidKeyIdError:
            self._keys = None  # the provider may have changed its keys since
            return jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims

    def _identified(self, claims: Mapping[str, Any], access: str | None) -> Identified:
        subject = read_subject(self.provider, claims)
        name = claims.get("preferred_username") or claims.get("name") or subject
        account = f"{self.provider.id}|{subject}"
        keeps = self.provider.is_asked_each_time
        if self.provider.groups_from == "graph":
            must_be_about(self.provider, claims, access)
        groups, missing = self.current_groups(account, access) if keeps else read_groups(self.provider, claims)
        proof = read_proof(claims, time.time(), LEEWAY_SECONDS, missing=missing, access=access if keeps else None)
        return Identified(account=account, name=plain(name), groups=groups, proof=proof)

    def current_groups(self, account: str, access: str | None) -> tuple[tuple[str, ...], str]:
        """Ask the provider which groups a person is in at this moment.

        Args:
            account: Whose they must be.
            access: The access token of the person's login.

        Returns:
            The groups, and why nothing is known of them if nothing is.

        Raises:
            LoginFailed: If it does not answer, or about somebody else, or has too many.
        """
        if self.provider.groups_from == "graph":
            return read_graph_groups(self.provider, access), ""
        endpoint = self._discovered().get("userinfo_endpoint")
        if not isinstance(endpoint, str) or access is None:
            raise LoginFailed(f"{self.provider.id} has no userinfo endpoint to ask for groups", 502)
        try:
            claims = self._fetched(endpoint, access)
        except LoginFailed:
            raise LoginFailed(
                f"{self.provider.id} does not say which groups you are in now. Log in again", 502
            ) from None
        if f"{self.provider.id}|{claims.get('sub')}" != account:
            raise LoginFailed(f"{self.provider.id} answered about somebody else", 502)
        return read_groups(self.provider, claims)

    def _discovered(self) -> dict[str, Any]:
        if self._metadata is None:
            metadata = self._fetched(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != self.provider.issuer:
                raise LoginFailed(
                    f"{self.provider.id} calls itself by another issuer than the gate's configuration", 502
                )
            if not all(isinstance(metadata.get(name), str) for name in _ENDPOINTS):
                raise LoginFailed(f"{self.provider.id} does not say where to log in", 502)
            self._metadata = metadata
        return self._metadata

    def _key_set(self) -> KeySet:
        if self._keys is None:
            self._keys = KeySet.import_key_set(self._fetched(self._discovered()["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    def _fetched(self, url: str, access: str | None = None) -> dict[str, Any]:
        bearer = {} if access is None else {"Authorization": f"Bearer {access}"}
        try:
            with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as http:
                response = http.get(url, headers={"Accept": "application/json", **bearer})
                response.raise_for_status()
                answer = response.json()
        except (httpx.HTTPError, ValueError):
            raise self._unreachable() from None
        if not isinstance(answer, dict):
            raise self._unreachable()
        return answer

    def _unreachable(self) -> LoginFailed:
        return LoginFailed(f"the identity provider {self.provider.id} did not answer. Please try again", 502)

    def _client(self) -> Any:
        secret = self.provider.client_secret
        methods = self._discovered().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        posts = "client_secret_basic" not in methods and "client_secret_post" in methods
        method = "none" if secret is None else "client_secret_post" if posts else "client_secret_basic"
        return _authlib().OAuth2Client(
            client_id=self.provider.client_id,
            client_secret=secret,
            token_endpoint_auth_method=method,
            scope=self.provider.scope,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
        )


@cache
def _authlib() -> Any:
    """Import Authlib without its notice that it would rather have httpx2, which Python 3.11 cannot have."""
    with warnings.catch_warnings():
        from authlib.deprecate import AuthlibDeprecationWarning  # noqa: PLC0415

        warnings.simplefilter("ignore", AuthlibDeprecationWarning)
        from authlib.integrations import httpx_client  # noqa: PLC0415
    return httpx_client


def is_local_path(target: str) -> bool:
    r"""Whether a path stays within this gate, so that a login never sends people elsewhere.

    Example:
        >>> is_local_path("/requests/req_1"), is_local_path("//elsewhere.example"), is_local_path(r"/\\elsewhere")
        (True, False, False)
    """
    printable = target.isascii() and target.isprintable()
    return printable and target.startswith("/") and not target.startswith("//") and "\\" not in target
