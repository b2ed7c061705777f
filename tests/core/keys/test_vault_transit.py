"""Vault's Transit engine unwraps keys; it is asked over the protocol that Vault documents."""

from __future__ import annotations

import logging
import os
import secrets as random_bytes
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing
from maskgate.keys.vault_transit import VaultTransit
from maskgate.testing.secret_traces import traces_of
from maskgate.testing.transit_engine import TOKEN, TransitEngine

SECRET, OLDER = (bytes(range(first, first + 32)) for first in (65, 129))


class Vault(TransitEngine):
    """A Transit engine, and a folder for what it wrapped."""

    folder = Path()

    def keep(self, material=SECRET, name="people.wrapped"):
        """Write a file that holds one wrapped key."""
        path = self.folder / name
        path.write_text(self.wrap(material))
        return path


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for loopback that signs itself, and its private key."""
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vault")])
    signed = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, SHA256())
    )
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "vault.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "vault.key").write_bytes(private.private_bytes(*plain))
    return folder / "vault.pem", folder / "vault.key"


@pytest.fixture
def vault(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("VAULT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    started = Vault()
    started.folder = tmp_path
    with started.running():
        monkeypatch.setenv("VAULT_ADDR", started.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield started


@pytest.fixture
def refusal(refusal, tmp_path):
    """Resolve what must be refused; nothing of the token in its wake either."""

    def refused(reference="vault-transit:maskgate@people.wrapped"):
        told = refusal({"people": reference}, tmp_path)
        assert TOKEN not in told
        return told

    return refused


class TestVaultTransit:
    """A file holds wrapped keys; Vault unwraps each."""

    def test_the_bytes_that_vault_gives_are_the_key(self, vault, key_file):
        key_file(f"# by vault\n{vault.wrap(SECRET)}\n", 0o644, "people.wrapped")
        ring = KeyRing.resolve({"people": "vault-transit:maskgate@people.wrapped"}, base=vault.folder)
        assert ring.get("people").subkey(purpose="token") == Key("x", SECRET).subkey(purpose="token")
        assert vault.asked == ["/v1/transit/decrypt/maskgate"]

    def test_every_version_is_unwrapped(self, vault, key_file):
        text = f"2:{vault.wrap(SECRET)}\n1:{vault.wrap(OLDER)}\n"
        key_file(text, name="people.wrapped")
        key = KeyRing.resolve({"people": "vault-transit:maskgate@people.wrapped"}, base=vault.folder).get("people")
        assert key.versions == (2, 1)
        assert key.subkey(purpose="token") == Key("x", SECRET, 2).subkey(purpose="token")
        assert key.at(1).subkey(purpose="token") == Key("x", OLDER).subkey(purpose="token")

    def test_the_engine_may_be_mounted_elsewhere(self, vault):
        vault.mount = "teams/data-1/transit"
        vault.keep(name="p@w")
        reference = "vault-transit:teams/data-1/transit/maskgate@p@w"
        assert "people" in KeyRing.resolve({"people": reference}, base=vault.folder)

    def test_a_namespace_is_sent_along(self, vault, monkeypatch):
        vault.namespace = "admin/data"
        monkeypatch.setenv("VAULT_NAMESPACE", "admin/data")
        vault.keep(name="w")
        assert "people" in KeyRing.resolve({"people": "vault-transit:maskgate@w"}, base=vault.folder)

    def test_it_is_reached_over_tls_by_an_authority_of_your_own(self, vault, monkeypatch, refusal):
        tls = certificate(vault.folder)
        with vault.running(tls):
            monkeypatch.setenv("VAULT_ADDR", vault.url)
            vault.keep()
            assert "Vault did not answer (ConnectError); look at VAULT_ADDR and VAULT_CACERT" in refusal()
            monkeypatch.setenv("VAULT_CACERT", str(tls[0]))
            assert "people" in KeyRing.resolve({"people": "vault-transit:maskgate@people.wrapped"}, base=vault.folder)

    def test_what_goes_to_loopback_goes_through_no_proxy(self, vault, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert VaultTransit("maskgate").unwrap(vault.wrap(SECRET)) == SECRET

    def test_vault_makes_a_key_that_nobody_sees(self, vault, key_file):
        wrapped = VaultTransit("maskgate").make_wrapped()
        assert vault.asked == ["/v1/transit/datakey/wrapped/maskgate"]
        key_file(wrapped, name="w")
        assert "people" in KeyRing.resolve({"people": "vault-transit:maskgate@w"}, base=vault.folder)
        assert len(VaultTransit("maskgate").unwrap(wrapped)) == 32

    @pytest.mark.parametrize(
        "where", [pytest.param("VAULT_TOKEN_FILE", id="a file that is named"), pytest.param(None, id="~/.vault-token")]
    )
    def test_a_token_from_a_file(self, vault, monkeypatch, where, refusal):
        monkeypatch.delenv("VAULT_TOKEN")
        vault.keep()
        assert "there is no token of Vault's: VAULT_TOKEN is not set, and the file" in refusal()
        path = vault.folder / ("token" if where else ".vault-token")
        path.write_text(f"{TOKEN}\n")
        path.chmod(0o600)
        if where:
            monkeypatch.setenv(where, str(path))
        assert "people" in KeyRing.resolve({"people": "vault-transit:maskgate@people.wrapped"}, base=vault.folder)
        path.chmod(0o644)
        assert "mode 0644" in refusal()
        path.chmod(0o600)
        path.write_text("\n")
        assert "the file of Vault's token is empty" in refusal()

    def test_nothing_secret_is_logged(self, vault, texts, caplog):
        vault.keep(name="w")
        with caplog.at_level(logging.DEBUG):
            KeyRing.resolve({"people": "vault-transit:maskgate@w"}, base=vault.folder)
        assert "decrypt/maskgate" in caplog.text
        assert texts[0] not in caplog.text
        assert TOKEN not in caplog.text


class TestRefusals:
    """What Vault does not give is refused, in words that hold no secret."""

    def test_no_address(self, vault, monkeypatch, refusal):
        vault.keep()
        monkeypatch.delenv("VAULT_ADDR")
        assert "version 1 in the file people.wrapped: VAULT_ADDR is not set" in refusal()

    @pytest.mark.parametrize(
        "address",
        [
            pytest.param("http://vault.example:8200", id="in the clear"),
            pytest.param("http://127.0.0.1.example:8200", id="what only looks like loopback"),
            pytest.param("http://localhost@vault.example", id="a user who looks like loopback"),
            pytest.param("vault.example:8200", id="no scheme"),
            pytest.param("https://", id="no host"),
            pytest.param("https://[::1", id="no address at all"),
            pytest.param("file:///etc/passwd", id="another protocol"),
        ],
    )
    def test_a_key_does_not_travel_in_the_clear(self, vault, monkeypatch, refusal, address):
        vault.keep()
        monkeypatch.setenv("VAULT_ADDR", address)
        assert "VAULT_ADDR must be an https URL; http is for loopback alone" in refusal()
        assert vault.asked == []

    @pytest.mark.parametrize(
        ("token", "words"),
        [
            pytest.param("hvs.other", "answered 403 to transit/decrypt/maskgate: the token is not valid", id="another"),
            pytest.param("hvs.a\nb", "what no header can carry", id="a token of two lines"),
        ],
    )
    def test_a_token_that_may_not(self, vault, monkeypatch, refusal, token, words):
        vault.keep()
        monkeypatch.setenv("VAULT_TOKEN", token)
        assert words in refusal()

    def test_another_key_wrapped_it(self, vault, key_file, refusal):
        vault.keys["other"] = random_bytes.token_bytes(32)
        key_file(f"2:{vault.wrap(SECRET)}\n1:{vault.wrap(OLDER, 'other')}", name="people.wrapped")
        told = refusal()
        assert "version 1 in the file people.wrapped: Vault answered 400" in told
        assert "another Transit key wrapped it, or it was changed" in told

    def test_there_is_no_such_key(self, vault, refusal):
        vault.keep()
        assert "answered 404" in refusal("vault-transit:absent@people.wrapped")
        assert "answered 404" in refusal("vault-transit:elsewhere/maskgate@people.wrapped")

    @pytest.mark.parametrize(
        ("says", "words"),
        [
            pytest.param((503, b'{"errors":["sealed"]}', {}), "answered 503", id="a sealed Vault"),
            pytest.param((500, b"planted words", {}), "answered 500", id="a broken Vault"),
            pytest.param((307, b"", {"Location": "http://127.0.0.1:9/"}), "307, a redirect", id="a standby"),
            pytest.param((200, b"<html>", {}), "what answered at VAULT_ADDR is no Vault", id="a page"),
            pytest.param((200, b'"\xff"', {}), "what answered at VAULT_ADDR is no Vault", id="no text"),
            pytest.param((200, b'{"data": []}', {}), "what answered at VAULT_ADDR is no Vault", id="no data"),
            pytest.param((200, b'{"data": {"plaintext": "a-b"}}', {}), "something else than base64", id="no base64"),
            pytest.param((200, b'{"data": {"plaintext": "%s"}}' % (b"A" * 2**20), {}), "is no Vault", id="no end"),
            pytest.param((200, b"[" * 10**5, {}), "what answered at VAULT_ADDR is no Vault", id="too deep"),
            pytest.param((200, b'{"data": {"plaintext": 7}}', {}), "holds 0 bytes", id="a number"),
            pytest.param((200, b'{"data": {"plaintext": "MTIz"}}', {}), "holds 3 bytes", id="too short a key"),
        ],
    )
    def test_what_is_no_answer(self, vault, refusal, says, words):
        vault.keep()
        vault.says = says
        told = refusal()
        assert words in told
        assert "planted" not in told

    def test_a_vault_that_takes_too_long(self, vault):
        vault.waits = 1
        with pytest.raises(KeyReferenceError) as refused:
            VaultTransit("maskgate", timeout=0.1).unwrap(vault.wrap(SECRET))
        assert "Vault did not answer (ReadTimeout)" in str(refused.value)
        assert traces_of(TOKEN, refused.value) == []

    def test_a_vault_that_never_comes_to_an_end(self, vault):
        vault.dawdles = 0.02
        with pytest.raises(KeyReferenceError, match=r"Vault did not answer \(ReadTimeout\)"):
            VaultTransit("maskgate", timeout=0.1).unwrap(vault.wrap(SECRET))

    def test_a_vault_that_is_not_there(self, vault, monkeypatch, refusal):
        vault.keep()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{taken.getsockname()[1]}")
            assert "Vault did not answer (ConnectError)" in refusal()

    def test_an_authority_that_is_not_there(self, vault, monkeypatch, refusal):
        vault.keep()
        monkeypatch.setenv("VAULT_CACERT", "none.pem")
        assert "Vault did not answer (FileNotFoundError)" in refusal()

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            pytest.param("people.wrapped", "is written vault-transit:[MOUNT/]KEY@PATH", id="no key"),
            pytest.param("maskgate@", "is written vault-transit:[MOUNT/]KEY@PATH", id="no path"),
            pytest.param("@people.wrapped", "a Transit key is named [MOUNT/]KEY", id="an empty key"),
            pytest.param("../sys/maskgate@people.wrapped", "a Transit key is named", id="a way out of the mount"),
            pytest.param("a//maskgate@people.wrapped", "a Transit key is named", id="an empty part"),
            pytest.param("mask gate?x@people.wrapped", "a Transit key is named", id="a name that is none"),
            pytest.param("maskgate@none.wrapped", "the file none.wrapped cannot be read", id="no file"),
        ],
    )
    def test_a_reference_that_leads_nowhere(self, vault, refusal, reference, words):
        vault.keep()
        assert words in refusal(f"vault-transit:{reference}")
        assert vault.asked == []

    @pytest.mark.parametrize("mode", [0o666, 0o602, 0o755])
    def test_a_file_that_everybody_may_change(self, vault, refusal, mode):
        vault.keep().chmod(mode)
        assert "It must be 0664 or stricter" in refusal()

    def test_a_plain_key_is_not_sent_to_vault(self, vault, key_file, texts, refusal):
        key_file(texts[0], name="people.wrapped")
        assert "it is no ciphertext of Vault's" in refusal()
        assert vault.asked == []

    def test_vault_may_not_make_a_key_for_everybody(self, vault, monkeypatch):
        monkeypatch.setenv("VAULT_TOKEN", "hvs.other")
        with pytest.raises(KeyReferenceError) as refused:
            VaultTransit("maskgate").make_wrapped()
        assert "answered 403 to transit/datakey/wrapped/maskgate" in str(refused.value)
        assert traces_of("hvs.other", refused.value) == []
