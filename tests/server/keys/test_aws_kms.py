"""AWS KMS unwraps keys: moto answers as KMS does, boto3 asks as everybody's does."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from maskgate.cli.main import run
from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing
from maskgate.keys.aws_kms import AwsKms
from maskgate.testing.secret_traces import traces_of

SECRET, OLDER = (bytes(range(first, first + 32)) for first in (65, 129))
REGION = "eu-central-1"


class Kms:
    """An account with one KMS key, and files of what it wrapped."""

    def __init__(self, folder, url):
        self.folder = folder
        self.url = url
        self.api = boto3.client("kms")
        self.key = self.new_key()

    def new_key(self):
        return self.api.create_key()["KeyMetadata"]["KeyId"]

    def wrap(self, material, **more):
        answer = self.api.encrypt(KeyId=self.key, Plaintext=material, **more)
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def keep(self, text, name="people.wrapped"):
        path = self.folder / name
        path.write_text(text)
        return path

    def resolve(self, reference="aws-kms:people.wrapped"):
        return KeyRing.resolve({"people": reference}, base=self.folder).get("people")

    def refusal(self, reference="aws-kms:people.wrapped"):
        """Resolve what must be refused; return the words, once it is sure that no key is in their wake."""
        with pytest.raises(KeyReferenceError) as refused:
            self.resolve(reference)
        for secret in (SECRET, OLDER, base64.b64encode(SECRET).decode(), base64.b64encode(OLDER).decode()):
            assert traces_of(secret, refused.value) == []
        return str(refused.value)


@contextmanager
def answering(status, document):
    """Run a server that has one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            sent = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def server():
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def kms(server, tmp_path, monkeypatch):
    settings = {"ENDPOINT_URL": server, "DEFAULT_REGION": REGION, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in {**settings, "CONFIG_FILE": "/dev/null", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_KMS"):
        monkeypatch.delenv(name, raising=False)
    return Kms(tmp_path, server)


class TestAwsKms:
    """A file holds wrapped keys; KMS decrypts each."""

    def test_a_data_key_is_the_key(self, kms):
        """What `aws kms generate-data-key` prints as CiphertextBlob is the file."""
        made = kms.api.generate_data_key(KeyId=kms.key, KeySpec="AES_256")
        kms.keep(base64.b64encode(made["CiphertextBlob"]).decode() + "\n")
        assert kms.resolve().subkey(purpose="token") == Key("x", made["Plaintext"]).subkey(purpose="token")

    def test_every_version_is_decrypted(self, kms):
        kms.keep(f"# by KMS\n2:{kms.wrap(SECRET)}\n1:{kms.wrap(OLDER)}\n")
        key = kms.resolve()
        assert key.versions == (2, 1)
        assert key.subkey(purpose="token") == Key("x", SECRET, 2).subkey(purpose="token")
        assert key.at(1).subkey(purpose="token") == Key("x", OLDER).subkey(purpose="token")

    def test_the_reference_may_insist_on_the_kms_key(self, kms):
        kms.keep(kms.wrap(SECRET))
        kms.api.create_alias(AliasName=f"alias/{kms.key[:8]}", TargetKeyId=kms.key)
        arn = kms.api.describe_key(KeyId=kms.key)["KeyMetadata"]["Arn"]
        for name in (kms.key, f"alias/{kms.key[:8]}", arn):
            assert kms.resolve(f"aws-kms:{name}@people.wrapped").version == 1
        told = kms.refusal(f"aws-kms:{kms.new_key()}@people.wrapped")
        assert "AWS KMS says AccessDeniedException: these credentials may not use this KMS key, or another" in told

    def test_a_path_may_hold_an_at_sign(self, kms):
        kms.keep(kms.wrap(SECRET), "people@prod.wrapped")
        assert kms.resolve("aws-kms:people@prod.wrapped").version == 1

    def test_kms_makes_a_key_that_nobody_sees(self, kms):
        kms.keep(AwsKms(kms.key).make_wrapped())
        assert len(AwsKms().unwrap((kms.folder / "people.wrapped").read_text())) == 32
        assert kms.resolve().version == 1

    def test_nothing_secret_is_logged(self, kms, caplog):
        """At DEBUG, botocore writes every answer into the log, the key in it."""
        kms.keep(kms.wrap(SECRET))
        with caplog.at_level(logging.DEBUG):
            kms.resolve()
            assert "kms" in caplog.text
            assert base64.b64encode(SECRET).decode() not in caplog.text
            kms.api.list_keys()
        assert "Response body" in caplog.text, "the log of others must go on"


class TestRefusals:
    """What KMS does not give is refused, in words that hold no secret."""

    def test_a_changed_ciphertext(self, kms):
        kms.keep(f"2:{kms.wrap(SECRET)}\n1:{kms.wrap(OLDER)[:-8]}AAAAAAA=\n")
        assert "version 1 in the file people.wrapped: AWS KMS says InvalidCiphertextException" in kms.refusal()

    def test_an_encryption_context(self, kms):
        kms.keep(kms.wrap(SECRET, EncryptionContext={"team": "data"}))
        assert "wrapped elsewhere or with an encryption context" in kms.refusal()

    def test_another_region(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        assert "AWS KMS says AccessDeniedException" in kms.refusal()

    def test_no_region(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        assert "AWS KMS cannot be asked (NoRegionError); look at boto3's region" in kms.refusal()

    def test_no_credentials(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        assert "AWS KMS cannot be asked (NoCredentialsError)" in kms.refusal()

    def test_credentials_that_may_not(self, kms):
        kms.keep(kms.wrap(SECRET))
        httpx.post(f"{kms.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        try:
            assert "AWS KMS says 403: it is not allowed" in kms.refusal()
        finally:
            httpx.post(f"{kms.url}/moto-api/reset-auth", content=b"Infinity").raise_for_status()

    def test_nobody_answers(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
            assert "AWS KMS cannot be asked (EndpointConnectionError)" in kms.refusal()

    def test_a_key_does_not_travel_in_the_clear(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://kms.example")
        assert "must be an https URL; http is for loopback alone" in kms.refusal()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("", "it is no base64 of what AWS KMS encrypted", id="nothing"),
            pytest.param("vault:v1:abcd", "it is no base64 of what AWS KMS encrypted", id="what Vault wrapped"),
        ],
    )
    def test_what_is_no_ciphertext_is_not_sent(self, kms, text, words):
        kms.keep(text)
        assert words in kms.refusal()

    def test_a_plain_key_is_no_wrapped_one(self, kms):
        kms.keep(base64.b64encode(SECRET).decode())
        assert "AWS KMS says InvalidCiphertextException" in kms.refusal()

    def test_a_key_that_is_too_short(self, kms):
        kms.keep(kms.wrap(SECRET[:15]))
        assert "the file people.wrapped holds 15 bytes, which is too short" in kms.refusal()

    @pytest.mark.parametrize("name", ["", "alias", "../x", "people"])
    def test_what_names_no_kms_key(self, name):
        with pytest.raises(KeyReferenceError) as refused:
            AwsKms.named(name)
        assert "named by its ARN, by alias/NAME or by its id" in str(refused.value)

    def test_kms_makes_no_key_without_a_key_of_its_own(self, kms):
        with pytest.raises(KeyReferenceError) as refused:
            AwsKms().make_wrapped()
        assert "a KMS key has to be named: aws-kms:KMSKEY@PATH" in str(refused.value)

    def test_kms_makes_no_key_by_a_key_that_is_not_there(self, kms):
        with pytest.raises(KeyReferenceError) as refused:
            AwsKms("alias/absent").make_wrapped()
        assert "AWS KMS says NotFoundException: there is no such KMS key" in str(refused.value)

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            pytest.param(
                "ExpiredTokenException", "says ExpiredTokenException: the credentials have", id="a known code"
            ),
            pytest.param("Odd", "AWS KMS says Odd", id="an unknown code"),
            pytest.param("planted words", "AWS KMS cannot be asked (ClientError)", id="what is no code"),
        ],
    )
    def test_what_aws_answers_is_not_repeated(self, kms, monkeypatch, kind, words):
        """Its codes are; its words may hold what was sent."""
        kms.keep(kms.wrap(SECRET))
        with answering(400, {"__type": kind, "message": "planted words"}) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            told = kms.refusal()
        assert words in told
        assert "planted" not in told

    def test_an_answer_without_a_key(self, kms, monkeypatch):
        kms.keep(kms.wrap(SECRET))
        with answering(200, {"Odd": 1}) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            assert "AWS KMS answered something else than a key" in kms.refusal()


class TestCommands:
    """`maskgate keys` makes and rotates keys that only KMS ever sees."""

    def test_a_key_is_made_and_rotated(self, kms, monkeypatch, capsys):
        monkeypatch.chdir(kms.folder)
        assert run(["keys", "new", "people", "--wrap-with", f"aws-kms:{kms.key}"]) == 0
        reference = capsys.readouterr().out.strip().removeprefix("people: ")
        assert reference == f"aws-kms:{kms.key}@keys/people.wrapped"
        before = kms.resolve(reference)
        assert run(["keys", "rotate", reference]) == 0
        assert capsys.readouterr().out == "keys/people.wrapped: version 2\n"
        after = kms.resolve(reference)
        assert after.versions == (2, 1)
        assert after.at(1).subkey(purpose="token") == before.subkey(purpose="token")

    def test_a_wrapped_file_gets_no_plain_version(self, kms, monkeypatch, capsys):
        monkeypatch.chdir(kms.folder)
        path = kms.keep(kms.wrap(SECRET))
        path.chmod(0o600)
        before = path.read_text()
        assert run(["keys", "rotate", "people.wrapped"]) == 2
        assert "Rotate it by its reference, such as aws-kms:KMSKEY@PATH" in capsys.readouterr().err
        assert run(["keys", "rotate", "aws-kms:people.wrapped"]) == 2
        assert "a KMS key has to be named: aws-kms:KMSKEY@PATH" in capsys.readouterr().err
        assert path.read_text() == before
