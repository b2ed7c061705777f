from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from maskgate.server.login import Login, LoginFailed, is_local_path
from maskgate.server.login_provider import LoginProvider
from maskgate.server.login_state import LoginState
from maskgate.store import Store
from maskgate.testing.still_clock import StillClock

BACK = "http://127.0.0.1:8470/login/company/callback"
CLIENT = "maskgate"


@pytest.fixture
def login(provider):
    return Login(LoginProvider("company", provider.issuer, CLIENT, "secret"), BACK)


def answered(provider, url, subject):
    return {name: values[0] for name, values in parse_qs(urlsplit(provider.authorize(url, subject)).query).items()}


@contextmanager
def forwarding(target):
    """A server between the gate and the token endpoint, which remembers the forms that were sent."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(parse_qs(body.decode()))
            names = ("Authorization", "Content-Type")
            answer = httpx.post(target, content=body, headers={name: self.headers[name] for name in names})
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.end_headers()
            self.wfile.write(answer.content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/token", sent
    server.shutdown()
    server.server_close()


# The provider for tests is older than the Authlib that it uses.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestLogin:
    """A login is code flow with PKCE and nonce, and names issuer and subject."""

    def test_a_person_is_login_and_subject_with_the_groups_of_this_login(self, login, provider):
        begun = login.begin()
        asked = parse_qs(urlsplit(begun.url).query)
        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"] == [begun.nonce]
        assert asked["redirect_uri"] == [BACK]
        answer = answered(provider, begun.url, "reviewer")
        assert answer["state"] == begun.state
        found = login.complete(answer["code"], begun.nonce, begun.code_verifier)
        assert found.account == "company|reviewer"
        assert found.name == "Rhea Viewer"
        assert found.groups == ("privacy-team",)

    def test_a_code_is_good_once(self, login, provider):
        begun = login.begin()
        code = answered(provider, begun.url, "reviewer")["code"]
        login.complete(code, begun.nonce, begun.code_verifier)
        with pytest.raises(LoginFailed) as caught:
            login.complete(code, begun.nonce, begun.code_verifier)
        assert caught.value.status == 400

    def test_the_code_is_exchanged_with_the_verifier_behind_the_challenge(self, login, provider):
        begun = login.begin()
        challenge = parse_qs(urlsplit(begun.url).query)["code_challenge"][0]
        code = answered(provider, begun.url, "reviewer")["code"]
        with forwarding(login._metadata["token_endpoint"]) as (endpoint, sent):
            login._metadata["token_endpoint"] = endpoint
            login.complete(code, begun.nonce, begun.code_verifier)
        [form] = sent
        hashed = sha256(form["code_verifier"][0].encode()).digest()
        assert urlsafe_b64encode(hashed).rstrip(b"=").decode() == challenge
        assert form["redirect_uri"] == [BACK]

    def test_the_nonce_must_be_of_this_login(self, login, provider):
        begun = login.begin()
        code = answered(provider, begun.url, "reviewer")["code"]
        with pytest.raises(LoginFailed) as caught:
            login.complete(code, "another", begun.code_verifier)
        assert "does not hold" in str(caught.value)

    def test_a_name_cannot_act_on_the_page(self, login, provider):
        provider.user("tricky", name="\u202eevil\n\u200bname")
        begun = login.begin()
        found = login.complete(answered(provider, begun.url, "tricky")["code"], begun.nonce, begun.code_verifier)
        assert found.name == "evilname"

    @pytest.mark.parametrize(
        ("claims", "status"),
        [
            pytest.param({"_claim_names": {"groups": "src1"}}, 403, id="too many groups for the token"),
            pytest.param({"groups": "privacy-team"}, 403, id="groups that are no list"),
            pytest.param({"groups": [1]}, 403, id="groups that are no texts"),
        ],
    )
    def test_groups_that_are_not_certain_are_a_refusal(self, login, provider, claims, status):
        provider.user("odd", **claims)
        begun = login.begin()
        with pytest.raises(LoginFailed) as caught:
            login.complete(answered(provider, begun.url, "odd")["code"], begun.nonce, begun.code_verifier)
        assert caught.value.status == status

    def test_no_groups_are_no_groups(self, login, provider):
        provider.user("lonely")
        begun = login.begin()
        code = answered(provider, begun.url, "lonely")["code"]
        assert login.complete(code, begun.nonce, begun.code_verifier).groups == ()


class TestIssuer:
    """Only the issuer of the configuration counts, letter by letter."""

    def test_another_issuer_under_the_same_address_is_refused(self, provider):
        by_name = provider.issuer.replace("127.0.0.1", "localhost")
        login = Login(LoginProvider("company", f"{by_name}/", CLIENT), BACK)
        with pytest.raises(LoginFailed) as caught:
            login.begin()
        assert "another issuer" in str(caught.value)

    def test_an_issuer_that_does_not_answer(self):
        login = Login(LoginProvider("company", "http://127.0.0.1:1", CLIENT), BACK)
        with pytest.raises(LoginFailed) as caught:
            login.begin()
        assert caught.value.status == 502


class TestToken:
    """An id token counts after signature, issuer, audience, nonce and times; nothing less."""

    KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
    OTHER = RSAKey.generate_key(2048, parameters={"kid": "one"})

    @pytest.fixture
    def pinned(self):
        """A login whose provider has one known key; how it is fetched is tested above."""
        login = Login(LoginProvider("company", "https://idp.example", CLIENT), BACK)
        login._metadata = {"issuer": "https://idp.example", "jwks_uri": "http://127.0.0.1:1/jwks"}
        login._keys = jwt_keys(self.KEY)
        return login

    def token(self, key=None, algorithm="RS256", **changes):
        now = int(time.time())
        claims = {
            "iss": "https://idp.example",
            "aud": CLIENT,
            "sub": "00u1",
            "exp": now + 300,
            "iat": now,
            "nonce": "n",
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key or self.KEY)

    def test_a_good_one(self, pinned):
        assert pinned._verified_claims(self.token(), "n")["sub"] == "00u1"

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"iss": "https://evil.example"}, id="another issuer"),
            pytest.param({"iss": None}, id="no issuer"),
            pytest.param({"aud": "another-app"}, id="another audience"),
            pytest.param({"aud": None}, id="no audience"),
            pytest.param({"aud": [CLIENT, "another-app"]}, id="two audiences without a party"),
            pytest.param({"azp": "another-app"}, id="another authorized party"),
            pytest.param({"exp": 1}, id="ran out"),
            pytest.param({"exp": None}, id="never runs out"),
            pytest.param({"iat": int(time.time()) + 9999}, id="from the future"),
            pytest.param({"nonce": "other"}, id="another nonce"),
            pytest.param({"nonce": None}, id="no nonce"),
            pytest.param({"sub": None}, id="no subject"),
        ],
    )
    def test_a_claim_that_does_not_fit(self, pinned, changes):
        with pytest.raises(LoginFailed):
            pinned._verified_claims(self.token(**changes), "n")

    def test_another_key(self, pinned):
        with pytest.raises(LoginFailed):
            pinned._verified_claims(self.token(self.OTHER), "n")

    def test_no_signature(self, pinned):
        header, body, _ = self.token().split(".")
        unsigned = "eyJhbGciOiJub25lIn0"
        for forged in (f"{unsigned}.{body}.", f"{header}.{body}.", f"{header}.{body}", "", "a.b.c"):
            with pytest.raises(LoginFailed):
                pinned._verified_claims(forged, "n")

    def test_a_shared_secret_made_of_the_public_key(self, pinned):
        from joserfc.jwk import OctKey  # noqa: PLC0415

        confused = OctKey.import_key(self.KEY.as_pem(private=False).replace(b"-----", b"....."))
        forged = jwt.encode({"alg": "HS256", "kid": "one"}, {"sub": "00u1", "nonce": "n"}, confused)
        with pytest.raises(LoginFailed):
            pinned._verified_claims(forged, "n")


def jwt_keys(key):
    from joserfc.jwk import KeySet  # noqa: PLC0415

    return KeySet([RSAKey.import_key(key.as_dict(private=False) | {"kid": "one"})])


class TestState:
    """A callback fits one login, in one browser, once."""

    @pytest.fixture
    def clock(self):
        return StillClock()

    @pytest.fixture
    def store(self, database):
        opened = Store.open(database)
        yield opened
        opened.close()

    @pytest.fixture
    def state(self, store, clock):
        return LoginState(store, clock=clock, secure=False)

    def kept(self, state, begun_state="st", target="/requests/req_1"):
        response = Response()
        begun = SimpleNamespace(state=begun_state, nonce="n", code_verifier="v")
        state.keep(response, "company", begun, target)
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        return SimpleNamespace(cookies={state.cookie: cookie.split(";")[0].partition("=")[2]})

    def test_it_comes_back(self, state):
        kept = state.take(self.kept(state), "company", "st")
        assert (kept.nonce, kept.code_verifier, kept.target) == ("n", "v", "/requests/req_1")

    def test_a_replay_is_refused(self, state):
        request = self.kept(state)
        state.take(request, "company", "st")
        with pytest.raises(LoginFailed) as caught:
            state.take(request, "company", "st")
        assert caught.value.status == 400

    @pytest.mark.parametrize(
        ("provider", "given"),
        [("company", "other"), ("company", ""), ("company", "ü"), ("okta", "st")],
    )
    def test_another_state_or_provider_is_refused(self, state, provider, given):
        with pytest.raises(LoginFailed):
            state.take(self.kept(state), provider, given)

    @pytest.mark.parametrize("cookie", ["", "x", "a.b.c"])
    def test_another_browser_is_refused(self, state, cookie):
        with pytest.raises(LoginFailed):
            state.take(SimpleNamespace(cookies={state.cookie: cookie}), "company", "st")

    def test_a_login_that_began_at_one_gate_ends_at_another_once(self, state, store, clock):
        other = LoginState(store, clock=clock, secure=False)
        request = self.kept(other)
        assert state.take(request, "company", "st").target == "/requests/req_1"
        with pytest.raises(LoginFailed):
            other.take(request, "company", "st")

    def test_a_cookie_signed_by_a_gate_of_another_database_is_refused(self, state, clock, tmp_path):
        elsewhere = Store.open(tmp_path / "elsewhere.db")
        other = LoginState(elsewhere, clock=clock, secure=False)
        with pytest.raises(LoginFailed):
            state.take(self.kept(other), "company", "st")
        elsewhere.close()

    def test_a_login_that_takes_too_long_is_refused(self, state, clock):
        request = self.kept(state)
        clock.forward(minutes=11)
        with pytest.raises(LoginFailed):
            state.take(request, "company", "st")


class TestTarget:
    """After the login one stays at this gate."""

    @pytest.mark.parametrize("target", ["/", "/requests/req_1", "/a?b=c&d=/e"])
    def test_a_path_of_this_gate(self, target):
        assert is_local_path(target)

    @pytest.mark.parametrize(
        "target",
        [
            "",
            "requests",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\tevil",
            "/ü",
            "javascript:x",
        ],
    )
    def test_anywhere_else(self, target):
        assert not is_local_path(target)
