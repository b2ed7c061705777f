"""A gate signs by a key in Vault or in AWS KMS as by one in a file; each service is asked at the wire."""

from __future__ import annotations

import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from maskgate.errors import ConfigurationError, KeyReferenceError, Refused
from maskgate.gate.gate_keys import GateKeys
from maskgate.gate.grants import open_envelope
from maskgate.gate.key_sources import FileKeys, KmsKey, TransitKeys, TwoSources, find_source
from maskgate.gate.kms_signer import KmsSigner
from maskgate.gate.model import Caller
from maskgate.gate.ring import Ring
from maskgate.gate.transit_signer import open_versions
from maskgate.keys.aws_kms import AwsKms
from maskgate.keys.vault_transit import VaultTransit
from maskgate.server.configuration import read_configuration
from maskgate.store import tables
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.kms_signing import ACCESS_KEY, SECRET_KEY, KmsSigning
from maskgate.testing.secret_traces import traces_of
from maskgate.testing.transit_engine import TOKEN, TransitEngine

KEYS = """
  - name: keys of the gate
    when: {action: [rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 2}, distinct: 2}
    channels: [web]
otherwise: refuse
"""
OPERATOR = Caller("operator", "operator")
MESSAGE = b"what is to be signed"


@pytest.fixture
def vault(monkeypatch):
    with TransitEngine().running() as engine:
        monkeypatch.setenv("VAULT_ADDR", engine.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
        yield engine


@pytest.fixture
def kms(monkeypatch):
    with KmsSigning().running() as service:
        settings = {
            "ENDPOINT_URL": service.url,
            "DEFAULT_REGION": "eu-central-1",
            "ACCESS_KEY_ID": ACCESS_KEY,
            "SECRET_ACCESS_KEY": SECRET_KEY,
            "CONFIG_FILE": "/dev/null",
            "EC2_METADATA_DISABLED": "true",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_KMS"):
            monkeypatch.delenv(name, raising=False)
        yield service


def refusal(action):
    """Do what must be refused; return the words, once it is sure that no secret is in their wake."""
    with pytest.raises(KeyReferenceError) as refused:
        action()
    assert traces_of(TOKEN.encode(), refused.value) == []
    # boto3's client holds the credentials, and stands in the frames; no message may.
    assert SECRET_KEY not in "".join(traceback.format_exception(refused.value))
    return str(refused.value)


def whole_gate(folder, source):
    """Run a gate whose key is there."""

    class World(GateWorld):
        def open_keys(self):
            return GateKeys(source, self.folder / "ring.json")

    return World(folder, policy=POLICY.replace("otherwise: refuse\n", KEYS))


def rotated(world):
    asked = world.gate.rotate_key(OPERATOR, "it is time")
    before = world.gate.fingerprint
    for person in ("anna", "bert"):
        done = world.decide(asked, person)
    assert done["state"] == "released"
    assert world.gate.fingerprint != before


def keyid(world, document):
    with world.store.read() as work:
        chosen = select(tables.grants.c.envelope).where(tables.grants.c.request == document["id"])
        envelope = work.execute(chosen).scalar_one()
    ring = Ring.from_json(world.gate.key_ring())
    assert open_envelope(envelope, ring)
    return envelope["signatures"][0]["keyid"]


class TestVault:
    """Vault's Transit engine signs by the version that the gate names."""

    def test_a_gate_signs_and_rotates_by_it(self, vault, tmp_path):
        world = whole_gate(tmp_path, TransitKeys(VaultTransit.named("gate")))
        first = keyid(world, world.decide(world.ask()))
        rotated(world)
        second = keyid(world, world.decide(world.ask(run=airflow_run("manual__2"))))
        assert first != second
        assert second == world.gate.fingerprint
        assert "/v1/transit/keys/gate/rotate" in vault.asked

    def test_a_rotation_in_vault_alone_changes_nothing(self, vault, tmp_path):
        world = whole_gate(tmp_path, TransitKeys(VaultTransit.named("gate")))
        before = world.gate.fingerprint
        vault.signing["gate"].append(Ed25519PrivateKey.generate())
        assert keyid(world, world.decide(world.ask())) == before

    def test_a_version_that_is_there_is_taken(self, vault, tmp_path):
        world = whole_gate(tmp_path, TransitKeys(VaultTransit.named("gate")))
        vault.signing["gate"].append(Ed25519PrivateKey.generate())
        vault.may_rotate = False
        rotated(world)
        assert len(vault.signing["gate"]) == 2

    def test_a_token_that_may_not_rotate_is_told_who_may(self, vault, tmp_path):
        world = whole_gate(tmp_path, TransitKeys(VaultTransit.named("gate")))
        vault.may_rotate = False
        told = refusal(lambda: world.gate.rotate_key(OPERATOR, ""))
        assert "vault write -f transit/keys/gate/rotate" in told

    def test_a_signature_is_checked(self, vault):
        (signer,) = open_versions(VaultTransit.named("gate"))
        signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
        vault.signing["gate"][0] = Ed25519PrivateKey.generate()
        assert "no signature of version 1" in refusal(lambda: signer.sign(MESSAGE))

    @pytest.mark.parametrize(
        ("says", "words"),
        [
            pytest.param((403, b'{"errors": ["hvs.x"]}', {}), "403", id="a token that may not"),
            pytest.param((503, b"{}", {}), "sealed or under maintenance", id="it is sealed"),
            pytest.param((200, b'{"data": {}}', {}), "no signature", id="no signature"),
            pytest.param((200, b'{"data": {"signature": "vault:v2:AAAA"}}', {}), "no signature", id="another version"),
            pytest.param((200, b"hello", {}), "no Vault", id="something else"),
            pytest.param((307, b"", {"Location": "http://127.0.0.1:9/"}), "a redirect", id="a redirect"),
        ],
    )
    def test_what_is_no_signature(self, vault, says, words):
        (signer,) = open_versions(VaultTransit.named("gate"))
        vault.says = says
        assert words in refusal(lambda: signer.sign(MESSAGE))

    def test_a_key_of_another_type(self, vault):
        assert "not of type ed25519" in refusal(lambda: open_versions(VaultTransit.named("maskgate")))

    def test_no_such_key(self, vault):
        assert "404" in refusal(lambda: open_versions(VaultTransit.named("nothing")))

    def test_nothing_is_approved_while_vault_does_not_sign(self, vault, tmp_path):
        world = whole_gate(tmp_path, TransitKeys(VaultTransit.named("gate")))
        asked = world.ask()
        vault.says = (503, b"{}", {})
        with pytest.raises(KeyReferenceError, match="nothing was signed"):
            world.decide(asked)
        assert world.read(asked["id"])["state"] == "pending"
        assert world.read(asked["id"])["decisions"] == []
        vault.says = None
        assert world.decide(asked)["state"] == "approved"

    def test_shows_no_token(self, vault):
        (signer,) = open_versions(VaultTransit.named("gate"))
        assert TOKEN not in repr(signer)
        assert TOKEN.encode() not in pickle.dumps(signer.key)


class TestKms:
    """AWS KMS signs by Ed25519 over the message itself."""

    def test_a_gate_signs_by_it(self, kms, tmp_path):
        world = whole_gate(tmp_path, KmsKey(AwsKms.named(kms.new_key())))
        assert keyid(world, world.decide(world.ask())) == world.gate.fingerprint
        assert "Sign" in kms.asked

    def test_a_key_without_versions_has_no_successor_of_its_own(self, kms, tmp_path):
        world = whole_gate(tmp_path, KmsKey(AwsKms.named(kms.new_key())))
        with pytest.raises(Refused, match="Make another KMS key"):
            world.gate.rotate_key(OPERATOR, "")

    def test_the_next_key_stands_in_the_configuration(self, kms, tmp_path):
        first, second = (KmsKey(AwsKms.named(kms.new_key())) for _ in range(2))
        world = whole_gate(tmp_path, TwoSources(first, second))
        before = world.gate.fingerprint
        rotated(world)
        assert keyid(world, world.decide(world.ask())) == world.gate.fingerprint != before

    def test_from_a_file_to_kms(self, kms, tmp_path):
        file = FileKeys(tmp_path / "signing-key.pem", tmp_path / "keys")
        world = whole_gate(tmp_path, TwoSources(file, KmsKey(AwsKms.named(kms.new_key()))))
        rotated(world)
        assert keyid(world, world.decide(world.ask())) == world.gate.fingerprint

    def test_a_signature_is_checked(self, kms):
        signer = KmsSigner.open(AwsKms.named(kms.new_key()))
        signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
        kms.says = bytes(64)
        assert "no signature of this key" in refusal(lambda: signer.sign(MESSAGE))

    def test_a_key_of_another_spec(self, kms):
        name = kms.new_key("ECC_NIST_P256")
        assert "not of the spec ECC_NIST_EDWARDS25519" in refusal(lambda: KmsSigner.open(AwsKms.named(name)))

    def test_more_than_kms_signs(self, kms):
        signer = KmsSigner.open(AwsKms.named(kms.new_key()))
        assert "4096 bytes at most" in refusal(lambda: signer.sign(bytes(4097)))

    def test_credentials_that_kms_does_not_know(self, kms, monkeypatch):
        name = kms.new_key()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        assert "does not know these credentials" in refusal(lambda: KmsSigner.open(AwsKms.named(name)))

    def test_no_such_key(self, kms):
        name = "0" * 8 + "-0000-0000-0000-" + "0" * 12
        assert "no such KMS key" in refusal(lambda: KmsSigner.open(AwsKms.named(name)))

    def test_does_not_travel_in_the_clear(self, kms, monkeypatch):
        name = kms.new_key()
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://kms.example")
        assert "must be an https URL" in refusal(lambda: KmsSigner.open(AwsKms.named(name)))


class TestReference:
    """A configuration names a key by where it is, never by what it is."""

    @pytest.mark.parametrize(
        ("reference", "kind"),
        [
            pytest.param("file:key.pem", FileKeys, id="a file"),
            pytest.param("vault-transit:teams/transit/gate", TransitKeys, id="Vault"),
            pytest.param("aws-kms:alias/gate", KmsKey, id="AWS KMS"),
        ],
    )
    def test_names_a_source(self, tmp_path, reference, kind):
        assert isinstance(find_source(reference, tmp_path, tmp_path), kind)

    @pytest.mark.parametrize("reference", ["", "file:", "env:KEY", "key.pem", "aws-kms:../x", "vault-transit:a b"])
    def test_names_none(self, tmp_path, reference):
        with pytest.raises(KeyReferenceError):
            find_source(reference, tmp_path, tmp_path)

    @pytest.mark.parametrize(
        ("block", "words"),
        [
            pytest.param("{key: env:KEY}", "`signing.key` cannot be used", id="a key in the environment"),
            pytest.param("{next: aws-kms:alias/gate}", "`signing.key` is missing", id="only the next"),
            pytest.param("{key: file:a, kez: b}", "kez", id="a field that is not known"),
        ],
    )
    def test_a_block_that_is_wrong(self, tmp_path, block, words):
        text = f"version: 1\nsigning: {block}\n"
        with pytest.raises(ConfigurationError, match=words):
            read_configuration(text, tmp_path / "gate.yaml")
