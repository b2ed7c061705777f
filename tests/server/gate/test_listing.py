"""Requests are read page by page; nothing is left out, shown twice or shown to whom it does not concern."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from maskgate.errors import NotFound, UsageError
from maskgate.gate.lifecycle import State
from maskgate.gate.listing import read_page
from maskgate.gate.model import Caller, Identity
from maskgate.gate.request import insert_request, list_requests
from maskgate.testing.gate_world import GateWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A gate with 25 pending requests of the pipeline, of which every fifth is a minute older than the one before."""
    made = GateWorld(tmp_path_factory.mktemp("listed"))
    made.ask(sealed=True)
    with made.store.write() as work:
        (first,) = list_requests(work)
        for number in range(24):
            moment = first.created_at - timedelta(minutes=number // 5)
            copy = replace(first, id=f"req_{number:020d}", created_at=moment, idempotency_key=None)
            insert_request(work, copy)
    GateWorld.made.remove(made)
    return made


def all_pages(world, caller, states=(), limit=7):
    found, after = world.gate.page(caller, states, limit=limit)
    pages = [found]
    while after is not None:
        found, after = world.gate.page(caller, states, limit=limit, after=after)
        pages.append(found)
    return pages


def read_of_requests(work):
    """Count what this transaction has read of the table, by itself and by its indexes."""
    counted = "SELECT sum(pg_stat_get_xact_tuples_returned(relation)) FROM (SELECT indexrelid AS relation FROM pg_index"
    of_table = "WHERE indrelid = 'maskgate.requests'::regclass UNION SELECT 'maskgate.requests'::regclass) AS each"
    return int(work.execute(text(f"{counted} {of_table}")).scalar_one())


class TestPages:
    """Page after page, each request comes once, the newest first."""

    @pytest.mark.parametrize("states", [(), ("pending",), ("pending", "denied")])
    @pytest.mark.parametrize("limit", [1, 7, 25, 200])
    def test_every_request_comes_once(self, world, states, limit):
        pages = all_pages(world, world.auditor, states, limit)
        found = [each for page in pages for each in page]
        assert len({each["id"] for each in found}) == len(found) == 25
        assert [each["created_at"] for each in found] == sorted((each["created_at"] for each in found), reverse=True)
        assert {len(page) for page in pages[:-1]} <= {limit}

    def test_a_state_that_nothing_is_in(self, world):
        assert world.gate.page(world.auditor, ("denied",), limit=5) == ([], None)

    def test_a_token_pages_through_its_own(self, world):
        assert sum(map(len, all_pages(world, world.pipeline))) == 25
        assert world.gate.page(Caller(role="pipeline", token="another"), (), limit=5) == ([], None)

    def test_a_person_pages_through_what_concerns_them(self, world):
        def person(name):
            return Caller(role="person", identity=Identity((f"okta|{name}",), "web", (), world.clock.now()))

        assert sum(map(len, all_pages(world, person("bert")))) == 25
        assert all_pages(world, person("cleo")) == [[]]

    def test_a_page_gives_up_after_many_that_it_passes_over(self, world, monkeypatch):
        monkeypatch.setattr("maskgate.gate.listing._MOST_READ", 10)
        with world.store.read() as work:
            page = read_page(work, (State.PENDING,), limit=5, keep=lambda _: False)
            assert page.requests == ()
            assert page.next is not None

    @pytest.mark.parametrize("states", [("pending",), ("pending", "denied"), ("sealing", "approved", "releasing")])
    def test_a_page_costs_what_it_shows_whatever_postgresql_believes(self, tmp_path, postgres_url, states):
        crowded = GateWorld(tmp_path, database=postgres_url)
        GateWorld.made.remove(crowded)
        crowded.ask(sealed=True)
        with crowded.store.write() as work:
            (first,) = list_requests(work)
            work.execute(text("ANALYZE maskgate.requests"))
            for number in range(500):
                insert_request(work, replace(first, id=f"req_{number:020d}", idempotency_key=None))
        with crowded.store.read() as work:
            read_page(work, [State(each) for each in states], limit=5)
            assert read_of_requests(work) < 50

    @pytest.mark.parametrize("after", ["", "x", "2026-11-24T08:00:00.000Z", "~", "2026-11-24~req_1", "\0~\0"])
    def test_a_cursor_of_another_kind(self, world, after):
        with pytest.raises(UsageError, match="must be the `next` of an earlier page"):
            world.gate.page(world.auditor, (), limit=5, after=after)

    def test_a_state_that_there_is_not(self, world):
        with pytest.raises(NotFound, match="no request is ever"):
            world.gate.page(world.auditor, ("open",), limit=5)
