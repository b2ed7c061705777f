"""How the gate reads the end of a flow run from Prefect's answers."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from maskgate.errors import HostUnreachable, NotFound
from maskgate.gate.host import Clears, HostRun, RunOutcome
from maskgate.hosts.prefect import PrefectHost

FLOW_RUN = str(uuid4())
RUN = HostRun("prefect", "local", FLOW_RUN)


def host(status, body):
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return PrefectHost("local", "http://prefect/api", transport=transport)


class TestReadOutcome:
    """A flow run is over when Prefect says that it cannot go on, and well when it was completed."""

    @pytest.mark.parametrize(
        ("state", "is_over", "is_success"),
        [
            pytest.param("RUNNING", False, False, id="it goes on"),
            pytest.param("PAUSED", False, False, id="it waits"),
            pytest.param("COMPLETED", True, True, id="it ended well"),
            pytest.param("FAILED", True, False, id="it failed"),
            pytest.param("CRASHED", True, False, id="it crashed"),
            pytest.param("CANCELLED", True, False, id="it was cancelled"),
        ],
    )
    def test_a_flow_run(self, state, is_over, is_success):
        found = host(200, {"id": FLOW_RUN, "state_type": state}).read_outcome(RUN)
        assert found == RunOutcome(state, is_over=is_over, is_success=is_success)

    def test_a_flow_run_that_is_gone(self):
        with pytest.raises(NotFound):
            host(404, {}).read_outcome(RUN)

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            pytest.param(200, {"id": str(uuid4()), "state_type": "COMPLETED"}, id="about another"),
            pytest.param(200, [], id="no object"),
            pytest.param(500, {"id": FLOW_RUN, "state_type": "COMPLETED"}, id="a failure"),
        ],
    )
    def test_what_is_no_answer_is_not_believed(self, status, body):
        with pytest.raises(HostUnreachable):
            host(status, body).read_outcome(RUN)

    def test_nobody_is_known_to_have_cleared_it(self):
        assert host(500, {}).read_clears(RUN) == Clears()
