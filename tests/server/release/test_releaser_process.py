"""A releaser process trusts its pinned ring and its own registry, whatever the gate's database says besides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from server.release.releasing import Releasing, stopped, wait_for
from sqlalchemy import select, update

from maskgate.errors import ConfigurationError, Conflict, GateUnreachable, NotAllowed
from maskgate.gate.grants import Grant, open_envelope, sign_grant
from maskgate.gate.ring import Ring
from maskgate.gate.signer import Signer
from maskgate.release.gate_link import GateLink
from maskgate.release.releaser import DestinationReleaser
from maskgate.server.configuration import read_configuration
from maskgate.server.releaser_configuration import load_releaser
from maskgate.store import tables
from maskgate.testing.releaser_turn import start_turn
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    found = Releasing(tmp_path_factory.mktemp("releasing"))
    yield found
    found.gate.stop()


@pytest.fixture
def here(shared):
    """A gate that tests share, and a releaser as it was set up."""
    shared.pin()
    shared.configure()
    return shared


@pytest.fixture
def fresh(tmp_path):
    """A gate of the test's own."""
    found = Releasing(tmp_path)
    yield found
    found.gate.stop()


class TestRelease:
    """What was signed gets to the destination, with the gate holding no way to it."""

    def test_the_gate_moves_nothing_itself(self, here):
        document = here.started()
        assert not here.gate.gate.release_waiting()
        assert document["state"] == "releasing"
        assert here.files(document) == []

    def test_the_releaser_does(self, here):
        document = here.started()
        assert here.step()
        done = here.gate.read(document["id"])
        assert done["state"] == "released"
        assert done["receipt"]["content_digest"] == done["content_digest"]
        assert done["receipt"]["location"].startswith(str(here.released))
        version = here.grant(done)["release_name"]
        assert here.files(document) == sorted(f"{version}/{each['path']}" for each in done["receipt"]["files"])
        assert list((here.folder / "releaser" / "spool").iterdir()) == []
        assert not here.step()

    def test_a_shared_folder_of_sealed_copies_is_read_where_it_is(self, here):
        here.configure(more="sealed: home/sealed")
        document = here.started()
        assert here.step()
        assert here.gate.read(document["id"])["state"] == "released"

    def test_an_encrypted_copy_is_fetched_and_lies_encrypted(self, here, monkeypatch):
        here.configure(more="sealed: home/sealed")
        with here.gate.client() as client:
            opened = client.open_staging(root="encrypted")
            for path, content in staged_bytes(masked_tables(), sample_rules()).items():
                client.upload(opened["id"], path, content)
            document = client.create_request(staging=opened["id"], destination="partner")
            document = client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)
        here.decide(document)
        with here.gate.client() as client:
            client.release(document["id"])
        spooled = []
        publish = DestinationReleaser.commit

        def look(releaser, order):
            spooled.extend(path.read_bytes() for path in Path(order.sealed.folder).rglob("*.parquet"))
            publish(releaser, order)

        monkeypatch.setattr(DestinationReleaser, "commit", look)
        assert here.step()
        assert here.gate.read(document["id"])["state"] == "released"
        assert len(spooled) == 2
        assert not any(b"PAR1" in content for content in spooled)

    def test_nothing_is_taken_that_no_run_has_started(self, here):
        document = here.decide(here.gate.request())
        assert not here.step()
        with here.link() as link, pytest.raises(Conflict, match="nobody has started"):
            link.take(document["id"], "x")

    def test_only_its_own_destinations(self, here):
        here.started()
        with here.link() as link:
            assert link.releases(["regulator"])["releases"] == []


class TestWhatIsNotBelieved:
    """A row is no reason for anything, however well it is shaped."""

    def test_an_envelope_that_nobody_signed(self, here, tmp_path):
        document = here.started()
        grant = open_envelope(here.grant(document)["envelope"], Ring.load(here.folder / "pinned.json"))
        forger = Signer.create(tmp_path / "forger.pem")
        here.forge(document, envelope=sign_grant(grant, forger))
        here.refused(document, "is not by this gate's key", state="releasing")
        assert "give this releaser the new ring" in here.gate.read(document["id"])["refusals"][-1]["message"]

    def test_a_changed_envelope(self, here):
        document = here.started()
        envelope = here.grant(document)["envelope"]
        payload = envelope["payload"][:-8] + "AAAAAAA="
        here.forge(document, envelope={**envelope, "payload": payload})
        here.refused(document, "the grant was changed")

    def test_a_grant_of_another_request(self, here):
        first, second = here.started(), here.started()
        here.forge(second, envelope=here.grant(first)["envelope"])
        with here.link("other") as other:
            other.take(first["id"], "elsewhere")
        here.refused(second, "the grant is for another request")

    def test_an_embedded_issuer(self, here):
        document = here.started()
        signer = Signer.load(here.gate.home.signing_key)
        grant = open_envelope(here.grant(document)["envelope"], Ring.of(signer.public_key))
        embedded = Grant(**{**grant.__dict__, "issuer": "embedded"})
        here.forge(document, envelope=sign_grant(embedded, signer))
        here.refused(document, "embedded in a worker")

    def test_another_place_under_the_same_id(self, here):
        here.configure(partner="released/elsewhere")
        here.refused(here.started(), "leads elsewhere here")

    def test_another_trust(self, here):
        here.configure(trust="public")
        here.refused(here.started(), "leads elsewhere here")

    def test_a_name_of_another_version(self, here):
        document = here.started()
        here.forge(document, release_name="20200101T000000Z-req_other")
        here.refused(document, "under a name that is not of its request")

    def test_edited_sealed_bytes(self, here):
        document = here.started()
        (path,) = (here.gate.home.sealed / document["id"]).rglob("customers/part-00000.parquet")
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        here.refused(document, "is not what was signed")

    def test_an_edited_list_of_sealed_files(self, here):
        document = here.started()
        requests = tables.requests
        with here.gate.store.write() as work:
            chosen = requests.c.id == document["id"]
            sealed = work.execute(select(requests.c.sealed).where(chosen)).scalar_one()
            sealed["files"][0]["sha256"] = "0" * 64
            work.execute(update(requests).where(chosen).values(sealed=sealed))
        here.refused(document, "the list of sealed files is not the one that was signed")

    def test_a_grant_that_ran_out(self, here):
        document = here.started()
        row = here.grant(document)
        signer = Signer.load(here.gate.home.signing_key)
        grant = open_envelope(row["envelope"], Ring.of(signer.public_key))
        here.forge(document, envelope=sign_grant(Grant(**{**grant.__dict__, "not_after": grant.issued_at}), signer))
        here.refused(document, "the grant ran out")


class TestPinnedRing:
    """Keys come by the file alone: a new one has to be put there, a revoked one is gone at once."""

    def test_a_new_key_waits_for_the_new_ring(self, fresh):
        here = fresh
        new = here.rotate()
        document = here.started()
        here.refused(document, "give this releaser the new ring", state="releasing")
        here.pin()
        assert new in (here.folder / "pinned.json").read_text()
        with here.gate.store.write() as work:
            work.execute(update(tables.grants).values(lease_until=here.gate.services.clock.now()))
        assert here.step()
        assert here.gate.read(document["id"])["state"] == "released"

    def test_a_revoked_key(self, here):
        document = here.started()
        ring = here.gate.gate.key_ring()
        ring["keys"][0]["revoked"] = ring["keys"][0]["not_before"]
        (here.folder / "pinned.json").write_text(json.dumps(ring))
        here.refused(document, "was revoked at")

    def test_a_grant_dated_after_its_key_was_replaced(self, here):
        document = here.started()
        ring = here.gate.gate.key_ring()
        for name in ("not_before", "not_after"):
            ring["keys"][0][name] = "2020-01-01T00:00:00.000Z"
        (here.folder / "pinned.json").write_text(json.dumps(ring))
        here.refused(document, "was not the gate's key at")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param({"algorithm": "none"}, "algorithm is ed25519", id="another algorithm"),
            pytest.param({"kid": "sha256:" + "0" * 64}, "not the hash", id="another name"),
            pytest.param({"more": 1}, "a key has exactly", id="a field that is not known"),
            pytest.param({"public_key": "AAAA"}, "32 bytes in base64", id="no key"),
        ],
    )
    def test_a_ring_that_is_none_is_not_used(self, here, change, words):
        ring = here.gate.gate.key_ring()
        ring["keys"][0] |= change
        (here.folder / "pinned.json").write_text(json.dumps(ring))
        with pytest.raises(Exception, match=words):
            here.step()


class TestSteps:
    """Each step needs the role, the grant in hand and the latest fence."""

    @pytest.mark.parametrize("role", ["pipeline", "auditor", "keys"])
    def test_other_tokens(self, here, role):
        with here.link(role) as link, pytest.raises(NotAllowed, match="a token of the role releaser"):
            link.releases(["partner"])

    def test_a_paused_releaser_finds_out_that_another_took_over(self, here):
        document = here.started()
        with here.link() as paused:
            fence = paused.take(document["id"], "paused")["fence"]
            assert here.step(), "the start of another process of this releaser ends what the first had"
            with pytest.raises(Conflict, match="overtaken"):
                paused.commit(document["id"], fence)
            with pytest.raises(Conflict, match="overtaken"):
                paused.renew(document["id"], fence, 1, 2)
        assert here.gate.read(document["id"])["state"] == "released"

    def test_another_releaser_neither_goes_on_nor_reads(self, here):
        document = here.started()
        with here.link() as link, here.link("other") as other:
            fence = link.take(document["id"], "x")["fence"]
            with pytest.raises(Conflict):
                other.commit(document["id"], fence)
            with pytest.raises(Conflict):
                next(other.file(document["id"], fence, "manifest.json"))

    def test_a_receipt_of_something_else_is_not_taken(self, here):
        document = here.started()
        with here.link() as link:
            fence = link.take(document["id"], "x")["fence"]
            link.commit(document["id"], fence)
            for digest, place in (("sha256:" + "0" * 64, "x"), (document["content_digest"], "/elsewhere")):
                with pytest.raises(Conflict, match="is not what was signed, or not where"):
                    link.finish(document["id"], fence, digest, place)
        assert here.gate.read(document["id"])["state"] == "releasing"
        assert here.step()
        assert here.gate.read(document["id"])["state"] == "released"

    def test_published_but_not_told_is_found_at_the_destination(self, here, monkeypatch):
        document = here.started()

        def gone(*_):
            raise GateUnreachable("the gate did not answer")

        with monkeypatch.context() as patched:
            patched.setattr(GateLink, "finish", gone)
            with pytest.raises(GateUnreachable):
                here.step()
        before = here.files(document)
        assert before
        assert here.step()
        assert here.gate.read(document["id"])["state"] == "released"
        assert here.files(document) == before


class TestCutOff:
    """Law 11 for the process: whatever the moment of its end, all is visible or nothing, and the next one finishes."""

    @pytest.mark.parametrize(
        "point", ["before copy", "in copy", "after copy", "after begin commit", "before publish", "after publish"]
    )
    def test_killed(self, here, point):
        document = here.started()
        killed = start_turn(here.folder / "releaser.yaml", f"kill:{point}")
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL
        visible = [name for name in here.files(document) if not name.startswith(".")]
        assert bool(visible) is (point == "after publish")
        assert here.step()
        done = here.gate.read(document["id"])
        assert done["state"] == "released"
        version = here.grant(done)["release_name"]
        assert here.files(document) == sorted(f"{version}/{each['path']}" for each in done["receipt"]["files"])

    @pytest.mark.parametrize("point", ["in copy", "before publish"])
    def test_who_was_asleep_publishes_nothing_when_it_wakes(self, here, point):
        document = here.started()
        asleep = start_turn(here.folder / "releaser.yaml", f"stop:{point}")
        try:
            wait_for(lambda: stopped(asleep))
            assert here.step()
            before = here.files(document)
            size, _ = here.gate.root()
        finally:
            os.kill(asleep.pid, signal.SIGCONT)
        asleep.join(60)
        assert here.files(document) == before
        assert here.gate.read(document["id"])["state"] == "released"
        later = [each["type"] for each in here.gate.entries()[size:]]
        assert not [kind for kind in later if kind.startswith("release.")]


class TestConfiguration:
    """The gate's file holds no credentials then, and the releaser's no way round."""

    def test_options_belong_to_the_releaser(self, here):
        text = (
            (here.folder / "gate.yaml").read_text().replace("trust: external}", "trust: external, options: {key: a}}")
        )
        with pytest.raises(ConfigurationError, match='the options of "partner" belong to'):
            read_configuration(text, here.folder / "gate.yaml")

    def test_a_token_does_not_travel_in_the_clear(self, here):
        file = here.folder / "releaser.yaml"
        file.write_text(file.read_text().replace(here.gate.url, "http://gate.example"))
        with pytest.raises(ConfigurationError, match="must be an https URL"):
            load_releaser(file)

    def test_shows_no_token(self, here):
        assert here.gate.token("exports") not in repr(load_releaser(here.folder / "releaser.yaml"))


@contextmanager
def command(here):
    """Run `maskgate releaser` as everybody does."""
    maskgate = str(Path(sys.executable).with_name("maskgate"))
    arguments = [maskgate, "releaser", "--config", str(here.folder / "releaser.yaml")]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class TestCommand:
    """`maskgate releaser` is that process."""

    def test_releases_also_after_it_was_killed_in_the_middle(self, here):
        here.configure(more="release_bytes_per_second: 3000")
        document = here.started()
        with command(here) as first:
            wait_for(lambda: here.gate.read(document["id"])["progress"]["done"])
            first.kill()
        assert not [name for name in here.files(document) if not name.startswith(".")]
        here.configure()
        with command(here) as second:
            wait_for(lambda: here.gate.read(document["id"])["state"] == "released")
            second.terminate()
            said = second.stderr.read()
            assert second.wait() == 0
        assert here.gate.gate.fingerprint in said
        assert here.gate.token("exports") not in said
        assert not [name for name in here.files(document) if name.startswith(".")]

    def test_without_a_ring_it_does_not_start(self, here):
        (here.folder / "pinned.json").unlink()
        with command(here) as process:
            said = process.stderr.read()
            assert process.wait() == 2
        assert "the ring cannot be read" in said
