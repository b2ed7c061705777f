"""The gate's key is replaced and revoked only after others have signed, and the chain of keys has no gap."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import select

from maskgate.errors import DatasetError, KeyReferenceError, LedgerError, NotAllowed, Refused, UsageError
from maskgate.gate.gate_keys import GateKeys, PinnedRing
from maskgate.gate.grants import open_envelope
from maskgate.gate.key_chain import state_revocation, state_rotation
from maskgate.gate.key_sources import FileKeys, OneKey
from maskgate.gate.model import Caller
from maskgate.gate.ring import Ring
from maskgate.gate.signer import Signer
from maskgate.ledger import read_checkpoint, verify
from maskgate.release.releaser import DestinationReleaser
from maskgate.store import tables
from maskgate.testing.gate_world import POLICY, GateWorld

OPERATOR = Caller("operator", "operator")
KEYS = """
  - name: keys of the gate
    when: {action: [rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 2}, distinct: 2}
    channels: [web]
otherwise: refuse
"""


@pytest.fixture
def world(tmp_path):
    return GateWorld(tmp_path, policy=POLICY.replace("otherwise: refuse\n", KEYS))


def ring_of(world):
    return Ring.from_json(world.gate.key_ring())


def sign(world, document):
    """Have two people sign."""
    for person in ("anna", "bert"):
        document = world.decide(document, person)
    return document


def rotate(world):
    return sign(world, world.gate.rotate_key(OPERATOR, "it is a year old"))


def revoke(world, key):
    return sign(world, world.gate.revoke_key(OPERATOR, key, "a backup was stolen"))


def envelope_of(world, document):
    with world.store.read() as work:
        return work.execute(
            select(tables.grants.c.envelope).where(tables.grants.c.request == document["id"])
        ).scalar_one()


class TestRotation:
    """Another key takes the place of the first, once two people have signed that."""

    def test_asking_changes_nothing(self, world):
        before = world.gate.key_ring()
        asked = world.gate.rotate_key(OPERATOR, "it is a year old")
        assert asked["state"] == "pending"
        assert world.gate.key_ring() == before
        assert world.gate.fingerprint == before["gate"]

    def test_asking_again_is_the_same_request(self, world):
        first = world.gate.rotate_key(OPERATOR, "")
        assert world.gate.rotate_key(OPERATOR, "again")["id"] == first["id"]

    def test_one_signature_is_not_enough(self, world):
        asked = world.gate.rotate_key(OPERATOR, "")
        assert world.decide(asked, "anna")["state"] == "pending"
        assert len(ring_of(world).keys) == 1

    def test_the_new_key_signs(self, world):
        old = world.gate.fingerprint
        done = rotate(world)
        new = world.gate.key_ring()["keys"][1]["kid"]
        assert done["state"] == "released"
        assert new in done["message"]
        assert world.gate.fingerprint == new != old
        signed = envelope_of(world, world.decide(world.ask()))
        assert signed["signatures"][0]["keyid"] == new

    def test_a_grant_of_the_old_key_is_good_until_it_runs_out(self, world):
        approved = world.decide(world.ask())
        rotate(world)
        world.clock.forward(hours=1)
        assert world.release(approved)["state"] == "released"

    def test_the_entry_names_both_keys_and_is_signed_by_the_old_one(self, world):
        old = world.gate.fingerprint
        rotate(world)
        (entry,) = world.entries("gate.key_rotated")
        assert (entry["old"], entry["new"]) == (old, world.gate.fingerprint)
        assert entry["statement"]["signatures"][0]["keyid"] == old

    def test_the_gate_goes_on_by_it_after_a_start(self, world):
        rotate(world)
        new = world.gate.fingerprint
        world.start()
        assert world.gate.fingerprint == new
        assert world.release(world.decide(world.ask()))["state"] == "released"

    def test_it_can_be_done_again(self, world):
        rotate(world)
        rotate(world)
        assert len(ring_of(world).keys) == 3
        assert world.release(world.decide(world.ask()))["state"] == "released"

    @pytest.mark.parametrize("role", ["pipeline", "auditor", "releaser"])
    def test_only_an_operator_asks(self, world, role):
        with pytest.raises(NotAllowed, match="a token of the role operator"):
            world.gate.rotate_key(Caller(role, role), "")

    def test_a_policy_without_the_action_permits_none(self, tmp_path):
        world = GateWorld(tmp_path)
        with pytest.raises(Refused, match="no policy permits rotate-gate-key"):
            world.gate.rotate_key(OPERATOR, "")
        assert [each["action"] for each in world.entries("gate_key.change_refused")] == ["rotate-gate-key"]

    def test_a_pipeline_cannot_ask_by_the_way_of_an_export(self, world):
        with pytest.raises(UsageError):
            world.ask(action="rotate-gate-key")


class TestSize:
    """AWS KMS signs up to 4096 bytes, and a grant is far below that."""

    def test_a_grant(self, world):
        envelope = envelope_of(world, world.decide(world.ask()))
        assert len(base64.b64decode(envelope["payload"])) < 2000


class TestCheckpoints:
    """A ledger keeps its name, and checkpoints of before and after a rotation are both good."""

    def test_before_and_after(self, world):
        before = world.gate.checkpoint(world.auditor)["note"]
        rotate(world)
        after = world.gate.checkpoint(world.auditor)["note"]
        ring = ring_of(world)
        keys = [key.public_key for key in ring.keys]
        for note in (before, after):
            found = read_checkpoint(note, ring.first.public_key, keys)
            with world.store.read() as work:
                assert verify(work, found).holds
        assert before.splitlines()[0] == after.splitlines()[0]
        with pytest.raises(LedgerError, match="not by this gate's key"):
            read_checkpoint(after, ring.first.public_key)


class TestRevocation:
    """A revoked key answers for nothing any more, at once."""

    def test_voids_what_nobody_has_used(self, world):
        approved = world.decide(world.ask())
        old = world.gate.fingerprint
        rotate(world)
        done = revoke(world, old)
        assert done["state"] == "released"
        assert "1 grants that nobody had used are void" in done["message"]
        assert world.read(approved["id"])["state"] == "withdrawn"
        with pytest.raises(Refused):
            world.release(approved)
        assert world.released() == []
        (entry,) = world.entries("gate.key_revoked")
        assert (entry["revoked"], len(entry["void_grants"])) == (old, 1)

    def test_leaves_grants_of_the_key_in_use(self, world):
        old = world.gate.fingerprint
        rotate(world)
        approved = world.decide(world.ask())
        revoke(world, old)
        assert world.release(approved)["state"] == "released"

    def test_the_key_in_use_is_not_revoked(self, world):
        with pytest.raises(Refused, match="is the key in use"):
            world.gate.revoke_key(OPERATOR, world.gate.fingerprint, "")

    def test_a_key_that_was_never_there(self, world):
        with pytest.raises(Refused, match="has never signed by"):
            world.gate.revoke_key(OPERATOR, "sha256:" + "0" * 64, "")

    def test_twice(self, world):
        old = world.gate.fingerprint
        rotate(world)
        revoke(world, old)
        with pytest.raises(Refused, match="is revoked already"):
            world.gate.revoke_key(OPERATOR, old, "")

    def test_a_look_back_still_knows_its_grants(self, world):
        approved = world.decide(world.ask())
        world.release(approved)
        rotate(world)
        ring = ring_of(world)
        revoke(world, ring.first.fingerprint)
        with pytest.raises(Refused, match="was revoked at"):
            open_envelope(envelope_of(world, approved), ring_of(world))
        assert open_envelope(envelope_of(world, approved), ring_of(world), accept_revoked=True)


class Interrupted(DestinationReleaser):
    """A releaser whose connection breaks once, at a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def copy(self, order, progress):
        if self.step == "copy":
            self.step = ""
            raise DatasetError("the destination cannot be written.")
        return super().copy(order, progress)

    def commit(self, order):
        super().commit(order)
        if self.step == "commit":
            self.step = ""
            raise DatasetError("the destination did not answer.")


class TestRevokedUnderWay:
    """A release under way ends when its key is revoked, unless it may be visible already."""

    def interrupted(self, folder, step):
        world = GateWorld(folder, policy=POLICY.replace("otherwise: refuse\n", KEYS), releaser=Interrupted(step))
        document = world.decide(world.ask())
        old = world.gate.fingerprint
        world.release(document)
        rotate(world)
        revoke(world, old)
        world.clock.forward(minutes=10)
        while world.gate.release_waiting():
            pass
        return world, world.read(document["id"])

    def test_what_was_being_copied_is_given_up(self, tmp_path):
        world, document = self.interrupted(tmp_path, "copy")
        assert document["state"] == "failed"
        assert "was revoked at" in document["message"]
        assert world.released() == []

    def test_what_was_published_is_finished(self, tmp_path):
        world, document = self.interrupted(tmp_path, "commit")
        assert document["state"] == "released"
        assert len(world.released()) == len(document["receipt"]["files"])


class TestForgedStatements:
    """Who can write to the database, without the key in use, brings in no key."""

    tampers = True

    def state(self, world, statement):
        with world.store.write() as work:
            number = ring_of(world).statements
            row = {"number": number, "at": world.clock.now(), "statement": statement}
            work.execute(tables.key_statements.insert().values(row))

    def refused(self, world):
        with pytest.raises(LedgerError, match="not one that the key in use has signed"):
            world.gate.key_ring()

    def test_a_key_that_signs_for_itself(self, world, tmp_path):
        forger = Signer.create(tmp_path / "forged.pem")
        ring = ring_of(world)
        self.state(world, state_rotation(ring, forger, forger.public_key, request="r", at=world.clock.now()))
        self.refused(world)

    def test_a_key_that_was_replaced(self, world, tmp_path):
        stolen, ring = world.signer, ring_of(world)
        rotate(world)
        mine = Signer.create(tmp_path / "mine.pem")
        self.state(world, state_rotation(ring, stolen, mine.public_key, request="r", at=world.clock.now()))
        self.refused(world)

    def test_a_statement_a_second_time(self, world):
        rotate(world)
        with world.store.read() as work:
            statement = work.execute(select(tables.key_statements.c.statement)).scalar_one()
        self.state(world, statement)
        self.refused(world)

    def test_the_key_in_use_cannot_revoke_itself(self, world):
        ring, now = ring_of(world), world.clock.now()
        self.state(world, state_revocation(ring, world.signer, world.signer.fingerprint, request="r", at=now))
        self.refused(world)

    def test_nonsense(self, world):
        self.state(world, {"payload": 7})
        self.refused(world)

    def test_a_database_that_forgot_a_rotation_is_not_served(self, world):
        rotate(world)
        world.gate.sweep()
        with world.store.write() as work:
            work.execute(tables.key_statements.delete())
        with pytest.raises(LedgerError, match="1 are pinned"):
            world.start()


class TestKeysOfTwoGates:
    """A gate that does not hold the key in use signs nothing, and says so."""

    def test_without_a_pin_the_chain_has_to_lead_to_its_own_key(self, world, tmp_path):
        first = world.signer.public_key
        rotate(world)
        with world.store.read() as work, pytest.raises(LedgerError, match="Put the key back"):
            PinnedRing().follow(work, [first])

    def test_it_follows_a_rotation_elsewhere(self, world):
        other = GateKeys(FileKeys(world.folder / "signing-key.pem", world.folder / "elsewhere"))
        with world.store.read() as work:
            other.ring(work)
        rotate(world)
        with world.store.read() as work:
            assert other.ring(work).current.fingerprint == world.gate.fingerprint
            with pytest.raises(KeyReferenceError, match="does not hold the key"):
                other.signer(work)

    def test_one_key_has_no_successor(self, world):
        keys = GateKeys(OneKey(world.signer))
        with world.store.read() as work, pytest.raises(Refused, match="there is no other key"):
            keys.candidate(work)


class TestPin:
    """What a gate pins for itself is what releasers pin."""

    def test_is_the_ring(self, world):
        rotate(world)
        world.gate.key_ring()
        assert json.loads((world.folder / "ring.json").read_text()) == world.gate.key_ring()
