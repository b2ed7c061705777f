"""Whatever is sent to the REST API, it answers as its own OpenAPI document says, and never with a mistake."""

from __future__ import annotations

import warnings
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from server.web.running_gate import Browser, RunningGate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LIMITS = """\
tokens: {pipeline: {owner: requester}}
limits: {pending_per_token: 4, stagings_per_token: 20}
"""
FEW = settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def running(tmp_path_factory, provider):
    gate = RunningGate(tmp_path_factory.mktemp("described"), provider.issuer, more=LIMITS)
    gate.start()
    yield gate
    gate.stop()


@pytest.fixture(scope="module")
def pending(running):
    return running.request()


@pytest.fixture(scope="module")
def callers(running, provider, pending):
    """Headers of a pipeline, of an auditor, and of a person with a session."""
    person = Browser(running, provider, "reviewer")
    cookies = "; ".join(f"{name}={value}" for name, value in person.http.cookies.items())
    session = {"Cookie": cookies, "X-CSRF-Token": person.csrf_token(pending["id"])}
    person.http.close()
    tokens = {name: {"Authorization": f"Bearer {running.token(name)}"} for name in ("pipeline", "auditor")}
    return tokens | {"person": session}


@pytest.fixture(scope="module")
def operations(running):
    described = schemathesis.openapi.from_url(f"{running.url}/api/openapi.json")
    return [found.ok() for found in described.get_all_operations()]


class TestEveryOperation:
    """By each caller, with what fits the schema and with what does not, and about requests that there are."""

    @pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
    @pytest.mark.parametrize("caller", ["pipeline", "auditor", "person"])
    def test_it_answers_as_it_says(self, operations, callers, pending, caller, mode):
        sent = [attack(each.as_strategy(generation_mode=mode), callers[caller], pending["id"]) for each in operations]
        assert sum(count > 0 for count in sent) > len(operations) / 2


def attack(strategy, headers, request):
    """Send some of what an operation takes, or does not take; return how much that was."""
    sent = 0

    @FEW
    @given(case=strategy)
    def each(case):
        nonlocal sent
        sent += 1
        case.call_and_validate(headers=headers, checks=CHECKS)
        if "request_id" in case.path_parameters:
            case.path_parameters["request_id"] = request
            case.call_and_validate(headers=headers, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing that an operation without input could be given wrongly
        each()
    return sent


class TestAfterwards:
    """The request that all of it was about waits as before, or was taken back by who asked."""

    def test_nothing_was_decided(self, running, pending):
        found = running.read(pending["id"])
        assert found["decisions"] == []
        assert found["state"] in {"pending", "withdrawn"}
