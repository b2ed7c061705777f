"""Must hold 5 and 9: the gate reads, hashes and measures for itself; a worker's word about bytes is worth nothing."""

from __future__ import annotations

import pytest
from specifications.world import raise_flag

pytestmark = pytest.mark.timeout(900)


def tampered(how, words):
    name = f"tampered: {how}"
    return pytest.param(words, marks=pytest.mark.run(name, "tampered", conf={"how": how}), id=how)


class TestStagingChangedBeforeSealing:
    """Files that are not what the manifest says, or no plain files, are refused before anyone is asked."""

    @pytest.mark.parametrize(
        "words",
        [
            tampered("one byte", "customers/part-00000.parquet"),
            tampered("symbolic link", "customers/part-00000.parquet"),
            tampered("hard link", "customers/part-00000.parquet"),
            tampered("one more file", "originals.parquet"),
            tampered("dots in the manifest", "is not a part of this table"),
            tampered("absolute path in the manifest", "is not a part of this table"),
        ],
    )
    def test_it_is_refused(self, world, run, words):
        world.ended(run, "failed")
        assert world.states(run)["release"] == "upstream_failed"
        request = world.request(run)
        assert request["state"] == "refused"
        assert words in request["message"]
        assert words in world.log(run, "approve")
        assert world.user("admin").question(run.dag_id, run.run_id, "approve") is None
        assert "request.refused" in world.ledger_types(request["id"])
        world.nothing_left(run)


class TestChangedAfterSigning:
    """The signature is for the sealed bytes: a change of the staging is harmless, one of the sealed copy is noticed."""

    @pytest.mark.run("staging_changed_later", "slow_author")
    def test_the_staging_changed_after_the_signature_does_not_matter(self, world, run):
        world.parked(run)
        request = world.request(run)
        staged = world.gate.staging / request["staging"] / "customers" / "part-00000.parquet"
        signed = staged.read_bytes()
        staged.chmod(0o600)
        staged.write_bytes(b"something else")
        world.answer(run, "reviewer")
        raise_flag(world, run)
        world.ended(run, "success")
        assert (world.version(request["id"]) / "customers" / "part-00000.parquet").read_bytes() == signed

    @pytest.mark.run("sealed_changed_later", "slow_author")
    def test_the_sealed_copy_changed_by_one_byte_is_not_released(self, world, run):
        world.parked(run)
        request = world.request(run)
        world.answer(run, "reviewer")
        world.wait_for_state(run, "approved")
        (part,) = (path for path in world.gate.home.rglob("customers/part-00000.parquet") if is_of(path, request))
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.chmod(0o600)
        part.write_bytes(content)
        raise_flag(world, run)
        world.ended(run, "failed")
        found = world.request(run)
        assert found["state"] == "failed"
        assert found["message"] in world.log(run, "release")
        assert "release.failed" in world.ledger_types(request["id"])
        world.nothing_left(run)


def is_of(path, request):
    return request["id"] in str(path) or request["staging"] in str(path)


@pytest.mark.run("lying", "lying")
class TestLyingPipeline:
    """Original data that its manifest calls masked is refused by measured shapes, before anyone is asked."""

    def test_it_is_refused_by_the_measured_shapes(self, world, run):
        world.ended(run, "failed")
        request = world.request(run)
        assert request["state"] == "refused"
        assert "email" in request["message"]
        assert "email" in world.log(run, "approve")
        assert world.user("admin").question(run.dag_id, run.run_id, "approve") is None
        world.nothing_left(run)

    def test_no_value_is_in_the_message(self, world, run):
        world.ended(run, "failed")
        said = str(world.request(run)) + world.log(run, "approve")
        assert "@mail.example" not in said
        assert "Family1" not in said
