"""One attacked gate for each module, and people with browsers who stay logged in."""

from __future__ import annotations

import pytest
from server.identity_provider import running_provider
from server.web.running_gate import Browser
from specifications.threats.attacked import Attacked


@pytest.fixture(scope="session")
def provider():
    with running_provider() as found:
        yield found


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    running = Attacked(tmp_path_factory.mktemp("attacked"), provider.issuer)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def person(gate, provider):
    """People by their subject at an identity provider; each logs in once."""
    known: dict[tuple[str | None, str], Browser] = {}

    def person(subject, login="company"):
        if (subject, login) not in known:
            known[subject, login] = Browser(gate, provider, subject, login=login)
        return known[subject, login]

    yield person
    for each in known.values():
        each.http.close()


@pytest.fixture(scope="module")
def waiting(gate):
    """A request that waits, and that every attack has to leave so."""
    return gate.ask()
