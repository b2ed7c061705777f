"""Must hold 7 and 8: a gate that dies loses nothing and shows nothing half-done; without a gate nothing leaves."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from demo.processes import wait_until
from specifications.originals import ROWS

pytestmark = pytest.mark.timeout(900)


@pytest.mark.run("killed", "gated", conf={"gate": "maskgate_slow"})
class TestKilledInTheMiddleOfACopy:
    """SIGKILL while it copies: no reader sees half a version; started again, the retry finishes it."""

    def test_it(self, world, run):
        gate = world.slow_gate
        world.parked(run)
        request = world.request(run, gate)
        world.answer(run, "reviewer")
        half = wait_until(
            lambda: [path for path in gate.released.rglob("*.parquet") if path.is_file()],
            what="the gate is in the middle of a copy",
            timeout=180,
        )
        gate.program.kill()
        assert half
        assert visible(gate.released) == []
        gate.start()
        world.ended(run, "success")
        found = world.request(run, gate)
        assert found["state"] == "released"
        (version,) = visible(gate.released)
        assert version == world.version(request["id"], gate)
        assert [path for path in gate.released.iterdir() if path != version] == []
        assert pq.read_table(version / "customers").num_rows == ROWS["customers"]
        types = world.ledger_types(request["id"], gate)
        assert types.count("release.completed") == 1
        assert types.count("grant.issued") == 1
        assert {path.relative_to(version).as_posix() for path in version.rglob("*.*")} == {
            file["path"] for file in found["receipt"]["files"]
        }


def visible(folder):
    """What a reader lists: a name that begins with a dot is not a version."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.run("unreachable", "unreachable")
class TestGateUnreachable:
    """Every task tries again with growing pauses, then fails closed, and says so."""

    @pytest.mark.parametrize("task", ["mask", "approve", "release"])
    def test_it_retries_and_fails_closed(self, world, run, task):
        world.ended(run, "failed")
        instance = world.user("admin").task(run.dag_id, run.run_id, task)
        assert instance["state"] == "failed"
        assert instance["try_number"] == 3
        log = world.log(run, task)
        assert "did not answer" in log
        assert "Airflow tries again by itself" in log
        assert "it released nothing. Start the gate" in log
