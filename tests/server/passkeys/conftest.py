"""A gate whose policy asks for passkeys, and a reviewer who has one."""

from __future__ import annotations

import pytest
from server.authenticator import Authenticator
from server.conftest import Webhook
from server.passkeys.pages import (
    POLICY,
    enrolled,
)
from server.web.running_gate import Browser, RunningGate


@pytest.fixture(scope="module")
def told():
    server = Webhook()
    yield server
    server.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider, told, postgres):
    """A gate on PostgreSQL; the real browser's is on SQLite."""
    folder, database = tmp_path_factory.mktemp("gate"), postgres.new_database()
    running = RunningGate(folder, provider.issuer, policy=POLICY, webhook=told.url, name="localhost", database=database)
    running.start()
    yield running
    running.stop()
    postgres.drop(database)


@pytest.fixture(scope="module")
def device(gate):
    return Authenticator(gate.url)


@pytest.fixture(scope="module")
def reviewer(gate, provider, device):
    """A reviewer with a passkey."""
    person = Browser(gate, provider, "reviewer")
    assert enrolled(person, device).status_code == 303
    return person


@pytest.fixture(scope="module")
def pending(gate):
    return gate.request()
