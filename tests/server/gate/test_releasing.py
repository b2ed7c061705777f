"""A release: by the run that asked, of the bytes that were signed, to the place that was signed, once."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from maskgate.errors import DatasetError, NotAllowed, NotFound, Refused, StillPending
from maskgate.gate.host import HostRun
from maskgate.gate.model import Caller, RequestInput
from maskgate.gate.signer import Signer
from maskgate.ledger import verify
from maskgate.release.releaser import DestinationReleaser
from maskgate.store import tables
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.host import airflow_run


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path)


@pytest.fixture
def approved(world):
    return world.decide(world.ask())


def change(world, statement, **values):
    with world.store.write() as work:
        work.execute(text(statement), values)


def envelope(world):
    with world.store.read() as work:
        return work.execute(select(tables.grants.c.envelope)).scalar_one()


class TestRelease:
    """What was signed appears at the destination, byte for byte, and the receipt says so."""

    def test_the_bytes_are_those_that_were_staged(self, world, approved):
        folder = world.folder / "staging" / approved["staging"]
        staged = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}
        done = world.release(approved)
        assert (done["state"], done["settled_at"]) == ("released", "2026-11-24T12:00:00.000Z")
        location = Path(done["receipt"]["location"])
        assert {str(path.relative_to(location)): path.read_bytes() for path in location.rglob("*.parquet")} == staged
        assert location.name == f"20261124T120000Z-{approved['id']}"
        assert {file["path"] for file in done["receipt"]["files"]} == {*staged, "manifest.json"}
        assert done["receipt"]["content_digest"] == approved["content_digest"]

    def test_every_step_is_an_entry_and_the_ledger_holds(self, world, approved):
        world.release(approved)
        types = [entry["type"] for entry in world.entries(request=approved["id"])]
        assert types[-3:] == ["release.started", "release.committing", "release.completed"]
        with world.store.read() as work:
            assert verify(work).problems == ()

    def test_again_gives_the_stored_receipt_and_moves_no_bytes(self, world, approved):
        first = world.release(approved)
        before = {path: (world.folder / "released" / path).stat().st_mtime_ns for path in world.released()}
        again = world.gate.release(world.pipeline, approved["id"], airflow_run(task_id="release", try_number=2))
        assert (again["state"], again["receipt"]) == ("released", first["receipt"])
        assert not world.gate.release_waiting()
        assert {path: (world.folder / "released" / path).stat().st_mtime_ns for path in world.released()} == before
        assert len(world.entries("release.started")) == 1

    def test_copies_are_deleted_afterwards_and_that_is_an_entry(self, world, approved):
        world.release(approved)
        world.gate.sweep()
        assert not (world.folder / "staging" / approved["staging"]).exists()
        assert list((world.folder / "sealed").iterdir()) == []
        assert [entry["staging"] for entry in world.entries("staging.deleted")] == [approved["staging"]]

    def test_one_outside_of_any_run(self, tmp_path):
        world = GateWorld(tmp_path)
        made = world.gate.create_request(world.pipeline, RequestInput(world.stage(), "archive"))
        world.gate.seal_waiting()
        with pytest.raises(NotAllowed, match="outside of any run"):
            world.gate.release(world.pipeline, made["id"], airflow_run())
        world.gate.release(world.pipeline, made["id"], None)
        assert world.gate.work()
        assert world.read(made["id"])["state"] == "released"


class TestNotYetOrNotAnyMore:
    """Without a live grant nothing leaves, and the message says what to do."""

    @pytest.mark.parametrize(
        ("prepare", "error", "words"),
        [
            pytest.param(
                lambda w, d: None, StillPending, "1 of privacy, through web or airflow. Release it after", id="pending"
            ),
            pytest.param(lambda w, d: w.decide(d, verdict="deny"), Refused, "Denied by bert", id="denied"),
            pytest.param(lambda w, d: w.gate.withdraw(w.pipeline, d["id"]), Refused, "Taken back", id="withdrawn"),
            pytest.param(
                lambda w, d: (w.clock.forward(hours=24), w.gate.sweep()), Refused, "which is a denial", id="expired"
            ),
            pytest.param(
                lambda w, d: (w.decide(d), w.clock.forward(hours=24)), Refused, "ran out at", id="a grant that ran out"
            ),
            pytest.param(
                lambda w, d: (w.decide(d), w.clock.forward(hours=24), w.gate.sweep()),
                Refused,
                "not released in time",
                id="a grant that was swept",
            ),
            pytest.param(
                lambda w, d: (w.decide(d), w.gate.withdraw(w.pipeline, d["id"])),
                Refused,
                "Taken back",
                id="withdrawn after it was signed",
            ),
        ],
    )
    def test_is_refused_and_recorded(self, world, prepare, error, words):
        document = world.ask()
        prepare(world, document)
        with pytest.raises(error, match=words):
            world.release(document)
        assert world.released() == []
        assert words in world.entries("release.refused")[-1]["refusal"]
        assert world.entries("release.started") == []

    def test_still_being_sealed(self, world):
        with pytest.raises(StillPending, match="still reading"):
            world.release(world.ask(sealed=False))


class TestWhoseRelease:
    """A grant is for the run that asked, and the token that asked."""

    @pytest.mark.parametrize(
        "run",
        [
            pytest.param(airflow_run("another"), id="another run"),
            pytest.param(HostRun("airflow", "prod", "manual__1", "other", "release"), id="another DAG"),
            pytest.param(HostRun("airflow", "prod", "manual__1", "export", "release", 3), id="another map index"),
            pytest.param(HostRun("airflow", "test", "manual__1", "export", "release"), id="another instance"),
            pytest.param(HostRun("prefect", "prod", "manual__1"), id="another host"),
            pytest.param(None, id="no run"),
        ],
    )
    def test_another_run_is_refused_and_recorded(self, world, approved, run):
        with pytest.raises(NotAllowed, match=r"belongs to another run than this one: .*run_id manual__1"):
            world.gate.release(world.pipeline, approved["id"], run)
        assert (world.released(), world.read(approved["id"])["state"]) == ([], "approved")
        assert world.entries("release.refused")

    def test_another_token_sees_nothing(self, world, approved):
        with pytest.raises(NotFound, match="that you may see"):
            world.gate.release(Caller("pipeline", token="other"), approved["id"], airflow_run())

    def test_an_auditor_releases_nothing(self, world, approved):
        with pytest.raises(NotAllowed):
            world.gate.release(world.auditor, approved["id"], airflow_run())


class TestForgery:
    """Signature and live row, both; and everything else as it was signed."""

    tampers = True

    def test_a_grant_signed_by_another_key(self, world, approved):
        other = Signer(Ed25519PrivateKey.generate())
        forged = dict(envelope(world))
        message = base64.b64decode(forged["payload"])
        kind = forged["payloadType"].encode()
        signature = other.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(message), message))
        forged["signatures"] = [{"keyid": other.fingerprint, "sig": base64.b64encode(signature).decode()}]
        change(world, "UPDATE grants SET envelope = :envelope", envelope=json.dumps(forged))
        with pytest.raises(Refused, match="not by this gate's key"):
            world.release(approved)
        assert world.released() == []

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            pytest.param("UPDATE grants SET id = 'gr_0'", "for something else", id="another grant's row"),
            pytest.param("DELETE FROM grants", "has no grant", id="no row"),
            pytest.param("UPDATE requests SET content_digest = 'sha256:0'", "for something else", id="another content"),
            pytest.param("UPDATE requests SET intent_digest = 'sha256:0'", "for something else", id="another intent"),
            pytest.param("UPDATE requests SET action = 'publish'", "for something else", id="another action"),
            pytest.param(
                "UPDATE requests SET destination = json_set(destination, '$.id', 'site')",
                "for something else",
                id="another destination",
            ),
        ],
    )
    def test_rows_changed_by_hand(self, world, approved, statement, words):
        change(world, statement)
        with pytest.raises(Refused, match=words):
            world.release(approved)
        assert world.released() == []

    def test_a_row_that_says_approved_without_a_decision(self, world):
        document = world.ask()
        change(world, "UPDATE requests SET state = 'approved'")
        with pytest.raises(Refused, match="has no grant"):
            world.release(document)

    def test_a_grant_of_another_request(self, world, approved):
        second = world.ask(run=airflow_run("second"))
        change(world, "UPDATE requests SET state = 'approved' WHERE id = :id", id=second["id"])
        change(world, "UPDATE grants SET request = :id", id=second["id"])
        with pytest.raises(Refused, match="for something else"):
            world.release(second, airflow_run("second"))

    def test_a_destination_that_leads_elsewhere_now(self, world, approved):
        registered = world.gate._parts.registry.destinations
        registered["partner"] = registered["site"].__class__("partner", str(world.folder), "external")
        with pytest.raises(Refused, match="leads elsewhere"):
            world.release(approved)

    @pytest.mark.parametrize("name", ["customers/part-00000.parquet", "manifest.json"])
    def test_a_sealed_file_changed_by_one_byte(self, world, approved, name):
        (path,) = (world.folder / "sealed").rglob(name)
        path.chmod(0o600)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        failed = world.release(approved)
        assert (failed["state"], failed["receipt"]) == ("failed", None)
        assert world.released() == []
        assert world.entries("release.failed")

    def test_a_list_of_files_changed_in_the_database(self, world, approved):
        (path,) = (world.folder / "sealed").rglob("customers/part-00000.parquet")
        path.chmod(0o600)
        path.write_bytes(b"others")
        with world.store.write() as work:
            sealed = work.execute(select(tables.requests.c.sealed)).scalar_one()
            for file in sealed["files"]:
                if file["path"].startswith("customers"):
                    file |= {"size": 6, "sha256": hashlib.sha256(b"others").hexdigest()}
            work.execute(tables.requests.update().values(sealed=sealed))
        failed = world.release(approved)
        assert failed["state"] == "failed"
        assert "not the one that was signed" in failed["message"]
        assert world.released() == []

    def test_a_staged_file_changed_after_sealing_does_not_matter(self, world, approved):
        (path,) = (world.folder / "staging").rglob("customers/part-00000.parquet")
        path.chmod(0o600)
        path.write_bytes(b"changed")
        assert world.release(approved)["receipt"]["content_digest"] == approved["content_digest"]
        assert b"changed" not in [(world.folder / "released" / name).read_bytes() for name in world.released()]


class Odd(DestinationReleaser):
    """A destination whose library raises something of its own, with a secret in it."""

    def copy(self, order, progress):
        raise RuntimeError("https://key:secret@bucket")


class Taken(DestinationReleaser):
    """A destination where something else appeared under the version's name, just before the commit."""

    def commit(self, order):
        (Path(order.destination.uri) / order.version).mkdir()
        (Path(order.destination.uri) / order.version / "other").touch()
        super().commit(order)


class Flaky(DestinationReleaser):
    """A destination that cannot be written the first times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def copy(self, order, progress):
        if self.times:
            self.times -= 1
            raise DatasetError("the bucket does not answer.")
        return super().copy(order, progress)


class TestTrouble:
    """A destination that cannot be written now is tried again, ever later, until the grant runs out."""

    def test_a_later_attempt_succeeds(self, tmp_path):
        world = GateWorld(tmp_path, releaser=Flaky(2))
        approved = world.decide(world.ask())
        waiting = world.release(approved)
        assert waiting["state"] == "releasing"
        assert waiting["message"] == "the bucket does not answer. The gate tries again."
        assert not world.gate.release_waiting()
        world.clock.forward(seconds=2)
        assert world.gate.release_waiting()
        world.clock.forward(seconds=4)
        assert world.gate.release_waiting()
        assert world.read(approved["id"])["state"] == "released"
        assert len(world.entries("release.interrupted")) == 2

    def test_a_foreign_error_is_tried_again_and_not_quoted(self, tmp_path):
        world = GateWorld(tmp_path, releaser=Odd())
        waiting = world.release(world.decide(world.ask()))
        assert waiting["state"] == "releasing"
        assert "could not be written (RuntimeError)" in waiting["message"]
        assert "secret" not in json.dumps(world.entries())

    def test_what_is_there_already_is_not_replaced(self, tmp_path):
        world = GateWorld(tmp_path, releaser=Taken())
        done = world.release(world.decide(world.ask()))
        assert (done["state"], done["receipt"]) == ("failed", None)
        assert [Path(name).name for name in world.released()] == ["other"]

    def test_a_commit_whose_destination_is_gone_is_not_given_up_unseen(self, tmp_path):
        world = GateWorld(tmp_path)
        approved = world.decide(world.ask())
        world.gate.release(world.pipeline, approved["id"], airflow_run())
        with world.store.write() as work:
            work.execute(tables.grants.update().values(state="committing"))
        registered = world.gate._parts.registry.destinations
        partner = registered.pop("partner")
        world.gate.release_waiting()
        assert "cannot be told whether" in world.read(approved["id"])["message"]
        registered["partner"] = partner
        world.clock.forward(seconds=2)
        world.gate.release_waiting()
        assert world.read(approved["id"])["state"] == "released"

    def test_the_grants_end_ends_it(self, tmp_path):
        world = GateWorld(tmp_path, releaser=Flaky(99))
        approved = world.decide(world.ask())
        world.release(approved)
        world.clock.forward(hours=25)
        assert world.gate.release_waiting()
        assert world.read(approved["id"])["state"] == "failed"
        assert "before the files could be released" in world.read(approved["id"])["message"]
        assert world.released() == []
