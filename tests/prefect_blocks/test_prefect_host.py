from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from maskgate.errors import HostUnreachable, NotFound, Refused, UsageError
from maskgate.gate.host import HostRun
from maskgate.hosts.prefect import PrefectHost


def run_of(identifier):
    return HostRun("prefect", "local", str(identifier))


@pytest.fixture
def host(prefect_server):
    opened = PrefectHost("local", prefect_server.api)
    yield opened
    opened.close()


@pytest.fixture
def flow_run(prefect_server):
    """Makes a run of a flow in some state, as any program that reaches the server can."""

    def make(state):
        flow = prefect_server.post("/flows/", {"name": "nightly"})
        return prefect_server.post("/flow_runs/", {"flow_id": flow["id"], "state": {"type": state}})["id"]

    return make


class TestReadRun:
    """The gate reads from Prefect which flow a run is of, and believes nothing else."""

    def test_a_running_run_tells_its_flow_and_no_person(self, host, flow_run):
        facts = host.read_run(run_of(flow_run("RUNNING")))
        assert (facts.workflow, facts.triggered_by, facts.owners, facts.parked) == ("nightly", (), (), False)

    @pytest.mark.parametrize("state", ["PENDING", "COMPLETED", "FAILED", "CANCELLED"])
    def test_a_run_that_does_not_run_cannot_ask(self, host, flow_run, state):
        with pytest.raises(Refused) as caught:
            host.read_run(run_of(flow_run(state)))
        assert f"is {state.lower()}, not running" in str(caught.value)

    @pytest.mark.parametrize(
        "identifier",
        [
            pytest.param(uuid4(), id="a run that is not there"),
            pytest.param("nightly", id="no id at all"),
            pytest.param("../flows/filter", id="a path"),
        ],
    )
    def test_an_unknown_run_is_not_found(self, host, identifier):
        with pytest.raises(NotFound) as caught:
            host.read_run(run_of(identifier))
        assert "prefect:local knows no flow run" in str(caught.value)

    def test_an_address_without_api_knows_no_run(self, prefect_server):
        with pytest.raises(NotFound) as caught:
            PrefectHost("local", prefect_server.url).read_run(run_of(uuid4()))
        assert "ends in /api" in str(caught.value)

    def test_a_server_that_is_gone_is_unreachable(self):
        with pytest.raises(HostUnreachable) as caught:
            PrefectHost("local", "http://127.0.0.1:9/api").read_run(run_of(uuid4()))
        assert "did not answer (ConnectError)" in str(caught.value)

    def test_an_address_must_be_one(self):
        with pytest.raises(UsageError):
            PrefectHost("local", "127.0.0.1:4200")

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_gate_that_is_not_let_in_says_what_to_check(self, status):
        transport = httpx.MockTransport(lambda _: httpx.Response(status))
        with pytest.raises(HostUnreachable) as caught:
            PrefectHost("local", "http://prefect/api", transport=transport).read_run(run_of(uuid4()))
        assert "Check username and password, or api_key" in str(caught.value)

    def test_an_answer_about_another_run_is_not_believed(self):
        transport = httpx.MockTransport(
            lambda _: httpx.Response(200, json={"id": str(uuid4()), "state_type": "RUNNING"})
        )
        with pytest.raises(HostUnreachable):
            PrefectHost("local", "http://prefect/api", transport=transport).read_run(run_of(uuid4()))

    @pytest.mark.parametrize(
        ("account", "header"),
        [
            pytest.param({}, None, id="no account sends none"),
            pytest.param({"username": "admin", "password": "x"}, "Basic YWRtaW46eA==", id="an account"),
            pytest.param({"api_key": "pnu_1"}, "Bearer pnu_1", id="a key"),
        ],
    )
    def test_it_uses_the_gates_own_account(self, account, header):
        seen = []

        def answer(request):
            seen.append(request.headers.get("Authorization"))
            return httpx.Response(503)

        host = PrefectHost("local", "http://prefect/api", transport=httpx.MockTransport(answer), **account)
        with pytest.raises(HostUnreachable):
            host.read_run(run_of(uuid4()))
        assert seen == [header]
        assert account.get("api_key", "nothing") not in repr(host)


class TestAnswers:
    """Nobody is asked in Prefect, so there is nothing to read, to wake or to note."""

    def test_there_is_no_answer_and_no_account(self, host, flow_run):
        run = run_of(flow_run("RUNNING"))
        assert host.read_answer(run) is None
        assert host.accounts == ()
        assert host.wake(run, approved=True) is None
        assert host.note(run, "text") is None
