from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from fastapi import Response
from sqlalchemy import select
from starlette.datastructures import Headers

from maskgate.errors import NotAllowed
from maskgate.server.csrf import check_csrf, csrf_token, origin
from maskgate.server.sessions import Sessions
from maskgate.store import tables
from maskgate.testing.new_store import open_store
from maskgate.testing.still_clock import StillClock

GATE = "http://127.0.0.1:8470"


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def store(database):
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def sessions(store, clock):
    return Sessions(store, clock=clock, secure=False)


def opened(sessions):
    response = Response()
    session = sessions.open(response, "okta|00u1", "Rhea", ("privacy-team",))
    cookie = response.headers["set-cookie"]
    return session, cookie.split(";")[0].partition("=")[2], cookie


class TestSession:
    """A cookie stands for a login until it ends, and tells nothing by itself."""

    def test_no_cookie_is_nobody(self, sessions):
        assert sessions.find(None) is None
        assert sessions.find("") is None

    def test_the_cookie_is_found_again(self, sessions):
        session, cookie, _ = opened(sessions)
        found = sessions.find(cookie)
        assert (found.id, found.account, found.groups) == (session.id, "okta|00u1", ("privacy-team",))
        assert "00u1" not in cookie

    def test_it_is_out_of_reach_of_scripts_and_other_sites(self, sessions, store, clock):
        cookie = opened(sessions)[2]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        strict = opened(Sessions(store, clock=clock, secure=True))[2]
        assert strict.startswith("__Host-maskgate_session=")
        assert "Secure" in strict
        assert "Domain" not in strict

    def test_each_login_has_another_id_and_secret(self, sessions):
        one, other = opened(sessions)[0], opened(sessions)[0]
        assert one.id != other.id
        assert one.secret != other.secret
        assert one.id not in repr(one)

    @pytest.mark.parametrize("spoilt", ["x", "x.y", "\u00fc.y", "\udcff", "a\0b", "x" * 5000])
    def test_a_forged_cookie_is_nobody(self, sessions, spoilt):
        _, cookie, _ = opened(sessions)
        assert sessions.find(spoilt) is None
        assert sessions.find(f"{cookie}A") is None

    def test_it_counts_at_every_gate_and_ends_at_all_of_them(self, sessions, store, clock):
        other = Sessions(store, clock=clock, secure=False)
        session, cookie, _ = opened(sessions)
        assert other.find(cookie) == session
        assert other.find(cookie).secret == session.secret
        other.close(Response(), session)
        assert sessions.find(cookie) is None

    def test_who_reads_the_database_is_logged_in_by_nothing(self, sessions, store):
        session, cookie, _ = opened(sessions)
        with store.read() as work:
            (row,) = work.execute(select(tables.sessions))
        assert cookie not in str(row)
        assert session.secret.hex() not in str(row)
        assert sessions.find(row.hash) is None

    def test_what_has_ended_is_deleted(self, sessions, store, clock):
        opened(sessions)
        clock.forward(hours=5)
        opened(sessions)
        with store.read() as work:
            assert len(work.execute(select(tables.sessions)).all()) == 1

    def test_it_ends_by_logging_out(self, sessions):
        session, cookie, _ = opened(sessions)
        sessions.close(Response(), session)
        assert sessions.find(cookie) is None

    def test_it_ends_without_use(self, sessions, clock):
        _, cookie, _ = opened(sessions)
        clock.forward(minutes=29)
        assert sessions.find(cookie)
        clock.forward(minutes=29)
        assert sessions.find(cookie)
        clock.forward(minutes=31)
        assert sessions.find(cookie) is None

    def test_it_ends_after_some_hours_however_busy(self, sessions, clock):
        _, cookie, _ = opened(sessions)
        end = clock.now() + timedelta(hours=4)
        while clock.now() < end:
            assert sessions.find(cookie)
            clock.forward(minutes=20)
        clock.forward(minutes=1)
        assert sessions.find(cookie) is None


class TestCsrf:
    """A change comes from a page that this gate showed to this session, about this very thing."""

    def check(self, session, *, purpose="requests/req_1", token=None, headers=None):
        request = SimpleNamespace(headers=Headers(headers or {}))
        check_csrf(request, session, purpose, token, GATE)

    def test_the_token_of_the_page(self, sessions):
        session = opened(sessions)[0]
        token = csrf_token(session, "requests/req_1")
        self.check(session, token=token)
        self.check(session, token=token, headers={"origin": GATE, "sec-fetch-site": "same-origin"})
        assert token == csrf_token(session, "requests/req_1")
        assert token != csrf_token(session, "requests/req_2")

    @pytest.mark.parametrize("token", [None, "", "0" * 64, "ü"])
    def test_no_token_or_another(self, sessions, token):
        with pytest.raises(NotAllowed):
            self.check(opened(sessions)[0], token=token)

    def test_the_token_of_another_request_or_session(self, sessions):
        one, other = opened(sessions)[0], opened(sessions)[0]
        with pytest.raises(NotAllowed):
            self.check(one, token=csrf_token(one, "requests/req_2"))
        with pytest.raises(NotAllowed):
            self.check(one, token=csrf_token(other, "requests/req_1"))

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": "http://127.0.0.1:8471"},
            {"origin": "https://127.0.0.1:8470"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "none"},
        ],
    )
    def test_another_site(self, sessions, headers):
        session = opened(sessions)[0]
        with pytest.raises(NotAllowed):
            self.check(session, token=csrf_token(session, "requests/req_1"), headers=headers)

    @pytest.mark.parametrize(
        ("url", "expected"),
        [("http://a:80/x", "http://a"), ("https://a:443", "https://a"), ("http://[::1]:8470/", "http://[::1]:8470")],
    )
    def test_an_origin_is_written_as_browsers_do(self, url, expected):
        assert origin(url) == expected
