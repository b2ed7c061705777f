"""Grants: one algorithm, one signature, one purpose; anything else is no grant."""

from __future__ import annotations

import base64
import json
import pickle
import stat
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from maskgate.errors import KeyReferenceError, Refused
from maskgate.gate.grants import PAYLOAD_TYPE, Grant, open_envelope, sign_grant
from maskgate.gate.ring import Ring
from maskgate.gate.signer import Signer
from maskgate.testing.still_clock import StillClock

NOW = StillClock().now()
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
RING = Ring.of(SIGNER.public_key)
GRANT = Grant(
    id="gr_1",
    request="req_1",
    action="export",
    intent_digest="sha256:1",
    content_digest="sha256:2",
    destination="partner",
    destination_digest="sha256:3",
    host={"kind": "airflow", "instance": "prod", "dag_id": "d", "run_id": "r", "map_index": -1},
    decisions=("sha256:4",),
    policy_digest="sha256:5",
    issued_at=NOW,
    not_after=NOW + timedelta(hours=1),
    ledger_size=7,
    ledger_root="00",
)


def payload_of(envelope):
    return json.loads(base64.b64decode(envelope["payload"]))


def resigned(payload, signer=SIGNER):
    """Sign another payload, as whoever has the key can."""
    body = json.dumps(payload).encode()
    kind = PAYLOAD_TYPE.encode()
    signature = signer.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(body).decode(),
        "signatures": [{"keyid": signer.fingerprint, "sig": base64.b64encode(signature).decode()}],
    }


class TestEnvelope:
    """A grant comes out of an envelope that a pinned key signed, as it went in."""

    def test_comes_back(self):
        assert open_envelope(sign_grant(GRANT, SIGNER), RING) == GRANT

    def test_the_signature_is_over_the_pre_authentication_encoding(self):
        envelope = sign_grant(GRANT, SIGNER)
        payload = base64.b64decode(envelope["payload"])
        message = b"DSSEv1 %d application/vnd.maskgate.grant+json %d %s" % (len(PAYLOAD_TYPE), len(payload), payload)
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        SIGNER.public_key.verify(signature, message)
        for other in (payload, message.replace(b"DSSEv1", b"DSSEv2"), message + b" "):
            with pytest.raises(InvalidSignature):
                SIGNER.public_key.verify(signature, other)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda e: {**e, "payload": e["payload"][:-8] + "AAAAAAA="}, id="another payload"),
            pytest.param(lambda e: {**e, "payloadType": "application/json"}, id="another type"),
            pytest.param(lambda e: {**e, "signatures": []}, id="no signature"),
            pytest.param(lambda e: {**e, "signatures": e["signatures"] * 2}, id="two signatures"),
            pytest.param(
                lambda e: {**e, "signatures": [{**e["signatures"][0], "sig": "AAAA"}]}, id="a short signature"
            ),
            pytest.param(lambda e: {**e, "signatures": [{**e["signatures"][0], "keyid": "x"}]}, id="an unknown key id"),
            pytest.param(lambda e: {**e, "payload": "not base64!"}, id="no base64"),
            pytest.param(lambda e: {}, id="nothing"),
            pytest.param(lambda e: {**e, "signatures": 7}, id="nonsense"),
        ],
    )
    def test_what_was_changed_is_no_grant(self, change):
        with pytest.raises(Refused):
            open_envelope(change(sign_grant(GRANT, SIGNER)), RING)

    def test_another_key_is_not_trusted(self):
        other = Signer(Ed25519PrivateKey.generate())
        with pytest.raises(Refused, match="not by this gate's key"):
            open_envelope(sign_grant(GRANT, other), RING)

    def test_an_empty_ring_trusts_nobody(self):
        with pytest.raises(Refused):
            open_envelope(sign_grant(GRANT, SIGNER), Ring({}))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            pytest.param({"typ": "maskgate-checkpoint/1"}, "of a kind", id="of another kind"),
            pytest.param({"kid": "sha256:0"}, "of a kind", id="that names another key"),
            pytest.param({"iss": "embedded"}, "embedded in a worker", id="of a gate inside a worker"),
        ],
    )
    def test_a_signed_payload_that_is_no_grant_is_refused(self, changes, words):
        payload = payload_of(sign_grant(GRANT, SIGNER)) | changes
        with pytest.raises(Refused, match=words):
            open_envelope(resigned(payload), RING)


class TestSigner:
    """The key stays in its file and its process."""

    def test_is_kept_for_its_owner_alone(self, tmp_path):
        made = Signer.create(tmp_path / "key.pem")
        assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
        assert Signer.load(tmp_path / "key.pem").fingerprint == made.fingerprint

    def test_a_file_that_others_read_is_refused(self, tmp_path):
        Signer.create(tmp_path / "key.pem")
        (tmp_path / "key.pem").chmod(0o640)
        with pytest.raises(KeyReferenceError, match="chmod 600"):
            Signer.load(tmp_path / "key.pem")

    def test_a_link_is_refused(self, tmp_path):
        Signer.create(tmp_path / "key.pem")
        (tmp_path / "link.pem").symlink_to(tmp_path / "key.pem")
        with pytest.raises(KeyReferenceError):
            Signer.load(tmp_path / "link.pem")

    def test_a_key_that_is_there_is_not_replaced(self, tmp_path):
        Signer.create(tmp_path / "key.pem")
        with pytest.raises(FileExistsError):
            Signer.create(tmp_path / "key.pem")

    def test_a_file_without_a_key_is_refused(self, tmp_path):
        (tmp_path / "key.pem").write_text("hello")
        (tmp_path / "key.pem").chmod(0o600)
        with pytest.raises(KeyReferenceError, match="no Ed25519"):
            Signer.load(tmp_path / "key.pem")

    def test_shows_nothing_and_does_not_travel(self):
        assert repr(SIGNER) == f"Signer({SIGNER.fingerprint})"
        with pytest.raises(TypeError):
            pickle.dumps(SIGNER)
