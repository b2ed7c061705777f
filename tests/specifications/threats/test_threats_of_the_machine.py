"""Threats 34, 35, 37 and 55 to 57: the machine of a running gate: its ledger, clock, policy, key and database."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from server.web.running_gate import REASON, Browser
from specifications.threats.attacked import POLICY, REWRITE, Attacked, edit

from maskgate.clock import SystemClock
from maskgate.errors import LedgerError
from maskgate.gate.signer import Signer
from maskgate.server.assembling import make_gate
from maskgate.server.start import run as serve

LEASE_IS_OVER = (
    "UPDATE grants SET lease_until = '2020-01-01T00:00:00.000000Z' WHERE request = :id AND state = 'releasing'"
)


class SetClock:
    """The clock of a machine, which somebody sets."""

    ahead = timedelta()

    def now(self):
        return SystemClock().now() + self.ahead


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def machine(tmp_path, provider, clock):
    """A running gate of each test's own, as these attacks leave nothing whole."""
    policy = POLICY.replace("expires: 24h", "expires: 20m", 1)
    running = Attacked(tmp_path, provider.issuer, policy=policy, clock=clock)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def reviewer(machine, provider):
    return Browser(machine, provider, "reviewer")


def checkpoint_of(gate, file):
    """Keep a checkpoint that the running gate hands out."""
    with gate.client("auditor") as client:
        file.write_text(client.checkpoint()["note"])
    return file


def started_by(gate, checkpoint=None):
    """Start the gate of a home as `maskgate serve` does."""
    serve(gate.configuration.file, gate.home.folder, lambda _: None, checkpoint)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM ledger WHERE seq > 3", REWRITE],
    ids=["its end cut off", "all of it written anew"],
)
def test_threat_34_a_ledger_that_agrees_with_itself_and_not_with_a_checkpoint(machine, tmp_path, statement):
    machine.ask()
    checkpoint = checkpoint_of(machine, tmp_path / "checkpoint")
    before = machine.root()
    edit(machine.home, statement, rehashed=True)
    size, root = machine.root()
    assert size < before[0] or root != before[1]
    machine.halt()
    with pytest.raises(LedgerError, match="contradicts"):
        started_by(machine, checkpoint)


def test_threat_35_a_clock_that_is_set_back(machine, clock, reviewer):
    document = machine.ask()
    headers = {"X-CSRF-Token": reviewer.csrf_token(document["id"])}
    body = {"verdict": "approve", "reason": REASON}
    body |= {name: document[name] for name in ("intent_digest", "context_digest")}

    def decide():
        return reviewer.http.post(f"/api/v1/requests/{document['id']}/decisions", json=body, headers=headers)

    clock.ahead = timedelta(hours=-2)
    answer = decide()
    assert answer.is_error
    assert "Set the clock right" in answer.json()["detail"]
    clock.ahead = timedelta()
    assert machine.still_waits(document)
    clock.ahead = timedelta(minutes=21)
    assert decide().status_code == 409
    found = machine.read(document["id"])
    assert (found["state"], found["decisions"], machine.left(document)) == ("expired", [], [])


def test_threat_37_a_policy_softened_just_before_the_request(machine, reviewer):
    policy = machine.configuration.policy
    policy.write_text(policy.read_text().replace("reason: {min_length: 10}", "reason: {min_length: 1}", 1))
    machine.halt()
    machine.start_again()
    assert any("What was in force stays so" in line for line in machine.started)
    document = machine.ask()
    assert document["policy"]["reason_min_length"] == 10
    assert reviewer.decide(document["id"], reason="ok").is_client_error
    assert machine.still_waits(document)
    assert [each["type"] for each in machine.entries()].count("policy.change_refused") == 1


def test_threat_55_a_database_begun_anew(machine, tmp_path):
    checkpoint = checkpoint_of(machine, tmp_path / "checkpoint")
    machine.halt()
    for file in machine.home.folder.glob("gate.db*"):
        file.rename(tmp_path / file.name)
    with pytest.raises(LedgerError, match="contradicts"):
        started_by(machine, checkpoint)


def test_threat_55_a_key_begun_anew(machine):
    machine.halt()
    for file in (machine.home.signing_key, machine.home.ring):
        file.unlink()
    Signer.create(machine.home.signing_key)
    with pytest.raises(LedgerError, match="begun with the key"):
        started_by(machine)


def test_threat_56_a_database_put_back_that_revives_a_grant(machine, tmp_path, reviewer):
    document = machine.signed(lambda _: reviewer)
    with closing(sqlite3.connect(machine.home.database)) as now, closing(sqlite3.connect(tmp_path / "kept")) as kept:
        now.backup(kept)
    shutil.copytree(machine.home.sealed, tmp_path / "sealed")
    released = machine.release(document)
    left, checkpoint = machine.left(document), checkpoint_of(machine, tmp_path / "checkpoint")
    machine.halt()
    for file in machine.home.folder.glob("gate.db*"):
        file.unlink()
    shutil.copyfile(tmp_path / "kept", machine.home.database)
    shutil.copytree(tmp_path / "sealed", machine.home.sealed, dirs_exist_ok=True)
    with pytest.raises(LedgerError, match="contradicts"):
        started_by(machine, checkpoint)
    machine.start_again()
    assert machine.read(document["id"])["state"] == "approved"
    again = machine.release(document)
    assert machine.left(document) == left
    assert again["receipt"] is None or again["receipt"]["content_digest"] == released["receipt"]["content_digest"]


def test_threat_57_a_releaser_that_wakes_after_another_took_over(tmp_path, provider):
    """A gate copies slowly; its lease is ended behind its back, and another gate on its database takes over."""
    more = "tokens: {pipeline: {owner: requester}}\nlimits: {release_bytes_per_second: 4000}"
    slow = Attacked(tmp_path, provider.issuer, more=more)
    slow.start()
    try:
        limits = replace(slow.configuration.limits, release_bytes_per_second=None)
        quick = replace(slow.configuration, limits=limits)
        another = make_gate(quick, slow.home, slow.store, slow.store.clock(), {"airflow:prod": slow.airflow})
        person = Browser(slow, provider, "reviewer")
        document, later = (slow.signed(lambda _: person, why=why) for why in ("taken over", "after it"))
        with slow.client() as client:
            client.release(document["id"])
            client.wait(document["id"], lambda each: each["state"] == "releasing", timeout=60)
            while slow.read(document["id"])["state"] == "releasing":
                # The slow one may have renewed its lease in between.
                slow.tamper(LEASE_IS_OVER, id=document["id"])
                another.release_waiting()
        done = slow.read(document["id"])
        left = slow.left(document)
        slow.release(later)  # the slow one has come to it, so it is through with the other
        assert (slow.read(document["id"]), slow.left(document)) == (done, left)
        ended = [each for each in slow.entries() if each["type"] == "release.completed"]
    finally:
        slow.stop()
    assert (done["state"], len({Path(path).relative_to(slow.released).parts[1] for path in left})) == ("released", 1)
    completed = [each["body"] for each in ended if each["body"].get("request") == document["id"]]
    assert [each["fence"] for each in completed] == [2]
