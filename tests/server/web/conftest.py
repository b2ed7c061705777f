"""A running gate for each module, and browsers whose people log in at a real identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server.web.running_gate import Browser, RunningGate

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider) -> Iterator[RunningGate]:
    running = RunningGate(tmp_path_factory.mktemp("gate"), provider.issuer)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(gate, provider):
    opened: list[Browser] = []

    def log_in(subject: str | None) -> Browser:
        opened.append(Browser(gate, provider, subject))
        return opened[-1]

    yield log_in
    for each in opened:
        each.http.close()
