"""Must hold: 32 clients decide and release one request at once; one outcome, one release, no lost entry.

`make soak` plays 200 rounds instead of 5; `ROUNDS` says how many.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from demo.processes import Processes
from server.identity_provider import running_provider
from specifications.several_gates import SeveralGates

from maskgate.ledger import entries_after, verify
from maskgate.store import Store
from maskgate.store.address import DatabaseAddress

ROUNDS = int(os.environ.get("ROUNDS", "5"))
CLIENTS = 32
pytestmark = pytest.mark.timeout(300 + 30 * ROUNDS)


@pytest.fixture(scope="module")
def provider():
    with running_provider() as found:
        yield found


@pytest.fixture(params=["SQLite, one gate", "PostgreSQL, one gate", "PostgreSQL, two gates"])
def gates(request, tmp_path, provider):
    database, _, number = request.param.partition(", ")
    url = None if database == "SQLite" else request.getfixturevalue("postgres_url")
    with Processes(tmp_path / "logs") as processes:
        yield SeveralGates(tmp_path, processes, provider.issuer, url, 2 if number == "two gates" else 1)


class TestRace:
    """Half of the clients decide, the other half release, all at the same time."""

    def test_one_outcome_one_release_no_lost_entry(self, gates, provider):
        people = [
            gates.log_in(provider, subject, place % len(gates.addresses))
            for place, subject in enumerate(("reviewer", "second"))
        ]
        for number in range(ROUNDS):
            document = gates.request()
            answers = race(gates, people, document, is_disputed=number % 2 == 1)
            settled = finish(gates, document)
            look_at(gates, document, settled, answers)
        store = Store.open(gates.store)
        with store.read() as work:
            assert verify(work).problems == ()
        store.close()
        must_not_show_passwords(gates)


def must_not_show_passwords(gates):
    """A gate says where its database is, and not how it gets in."""
    for program in gates.programs:
        said = program.log.read_text()
        assert f"its database is {DatabaseAddress.of(gates.store)}" in said
        assert gates.database is None or gates.database.split(":")[2].partition("@")[0] not in said


def race(gates, people, document, *, is_disputed):
    """Let everybody go at once; return (what was tried, status code) of each."""
    together = threading.Barrier(CLIENTS)
    token = (gates.homes[0] / "pipeline.token").read_text().strip()

    def go(client):
        address = gates.addresses[client // 2 % len(gates.addresses)]
        verdict = "deny" if is_disputed and client % 4 == 0 else "approve"
        together.wait(60)
        if client % 2 == 0:
            return "decide", people[client // 4 % 2].decide(address, document, verdict).status_code
        url = f"{address}/api/v1/requests/{document['id']}/release"
        answer = httpx.post(url, json={}, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        return "release", answer.status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(go, range(CLIENTS)))


def finish(gates, document):
    """Release, as the run's next attempt would, if it was approved; return the request at its end."""
    with gates.client(len(gates.addresses) - 1) as client:
        if client.request(document["id"])["state"] == "approved":
            client.release(document["id"])
        return client.wait(document["id"], lambda each: each["state"] in {"released", "denied"}, timeout=60)


def look_at(gates, document, settled, answers):
    """One decision counted, one release at most, and every refusal is an entry."""
    counted = Counter(answers)
    assert all(status < 500 for _, status in counted)
    assert counted["decide", 200] == 1
    decided = sum(number for (verb, _), number in counted.items() if verb == "decide")
    refused = sum(number for (verb, status), number in counted.items() if verb == "release" and status >= 400)
    types = Counter(entry_types(gates, document["id"]))
    is_released = settled["state"] == "released"
    assert types["decision.approve"] + types["decision.deny"] == 1
    assert types["decision.approve"] == is_released
    assert types["decision.refused"] == decided - 1
    assert types["release.refused"] == refused
    assert types["grant.issued"] == types["release.started"] == types["release.completed"] == is_released
    versions = [path.name for path in (gates.folder / "released").iterdir() if document["id"] in path.name]
    assert len(versions) == is_released
    assert len(settled["decisions"]) == 1


def entry_types(gates, request_id):
    store = Store.open(gates.store)
    try:
        with store.read() as work:
            return [
                entry.type for entry in entries_after(work, limit=10**6) if entry.facts().get("request") == request_id
            ]
    finally:
        store.close()
