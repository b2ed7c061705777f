"""Level broker: the caller writes with a credential for one release, and the gate publishes what it has looked at."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest

from maskgate.clock import moment
from maskgate.errors import Conflict, Refused
from maskgate.gate.model import Destination
from maskgate.ledger import verify
from maskgate.release.broker import session_policy
from maskgate.testing.host import airflow_run
from maskgate.testing.object_store import new_bucket
from maskgate.testing.placed_world import PlacedWorld
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes

ROLE = "arn:aws:iam::123456789012:role/partner-exchange"


@pytest.fixture
def bucket(s3_endpoint):
    return new_bucket(s3_endpoint)


@pytest.fixture
def world(tmp_path, bucket):
    uri = f"s3://{bucket.name}/exchange"
    partner = Destination("partner", uri, "external", options=bucket.options, level="broker", role=ROLE)
    return PlacedWorld(tmp_path, partner=partner)


@pytest.fixture
def approved(world):
    return world.decide(world.ask())


@pytest.fixture
def files():
    found = staged_bytes(masked_tables(4), sample_rules())
    return {path: content for path, content in found.items() if path != "manifest.json"}


def borrow(world, document):
    return world.gate.release(world.pipeline, document["id"], airflow_run(task_id="release"))["broker"]


def put(upload, content):
    return httpx.put(upload["url"], content=content, headers=upload["headers"])


def receipt(world, document, fence=1):
    return world.gate.report(world.pipeline, document["id"], fence)


class TestLoan:
    """What is lent reaches one release, for a quarter of an hour, and nothing else."""

    def test_a_document_says_the_level(self, approved):
        assert (approved["level"], approved["destination"]["level"]) == ("broker", "broker")

    def test_an_address_for_each_file_over_its_length_and_hash(self, world, approved, files):
        lent = borrow(world, approved)
        assert sorted(upload["path"] for upload in lent["uploads"]) == sorted(files)
        for upload in lent["uploads"]:
            query = {name: value[0] for name, value in parse_qs(urlsplit(upload["url"]).query).items()}
            signed = set(query["X-Amz-SignedHeaders"].split(";"))
            assert "content-length" in signed
            assert "if-none-match" in signed
            assert "x-amz-checksum-sha256" in signed | {name.lower() for name in query}
            assert int(query["X-Amz-Expires"]) == 900
            assert upload["headers"]["Content-Length"] == str(len(files[upload["path"]]))

    def test_a_session_of_the_role(self, world, approved, bucket):
        lent = borrow(world, approved)
        credential = lent["credential"]
        sts = boto3.client(
            "sts",
            aws_access_key_id=credential["access_key_id"],
            aws_secret_access_key=credential["secret_access_key"],
            aws_session_token=credential["session_token"],
            endpoint_url=bucket.options["endpoint_url"],
            region_name="us-east-1",
        )
        assert f"partner-exchange/maskgate-{approved['id']}" in sts.get_caller_identity()["Arn"]
        assert moment(lent["expires_at"]) == world.clock.now() + timedelta(minutes=15)

    def test_the_session_policy(self, world):
        until = world.clock.now()
        policy = session_policy("b", "exchange/v1", until)
        allow, deny = policy["Statement"]
        assert (allow["Effect"], allow["Resource"]) == ("Allow", "arn:aws:s3:::b/exchange/v1/*")
        assert allow["Action"] == ["s3:PutObject", "s3:AbortMultipartUpload"]
        assert allow["Condition"]["DateLessThan"] == {"aws:CurrentTime": "2026-11-24T12:00:00.000Z"}
        assert allow["Condition"]["Null"] == {"s3:if-none-match": "false"}
        assert (deny["Effect"], deny["Resource"]) == ("Deny", "arn:aws:s3:::b/exchange/v1/manifest.json")
        assert len(json.dumps(policy)) < 2048

    def test_credentials_are_in_the_answer_alone(self, world, approved):
        lent = borrow(world, approved)
        secrets = [*lent["credential"].values(), *(upload["url"] for upload in lent["uploads"])]
        kept = json.dumps(world.entries()) + json.dumps(world.read(approved["id"]))
        stored = (world.folder / "gate.db").read_bytes() + (world.folder / "gate.db-wal").read_bytes()
        for secret in secrets:
            assert secret not in kept
            assert secret.encode() not in stored
        (entry,) = world.entries("credential.lent")
        assert entry["fence"] == 1

    def test_asking_again_is_the_same_loan(self, world, approved):
        first, again = borrow(world, approved), borrow(world, approved)
        assert (first["fence"], first["prefix"], first["expires_at"]) == (
            again["fence"],
            again["prefix"],
            again["expires_at"],
        )

    def test_only_after_a_signature(self, world, bucket):
        document = world.ask()
        with pytest.raises(Exception, match="Waiting for a signature"):
            borrow(world, document)
        assert bucket.files() == {}


class TestReceipt:
    """The gate looks at what was put, and publishes it or not."""

    def test_all_files_then_the_manifest(self, world, approved, files, bucket):
        lent = borrow(world, approved)
        for upload in lent["uploads"]:
            assert put(upload, files[upload["path"]]).status_code == 200
        assert not any(name.endswith("manifest.json") for name in bucket.files())
        done = receipt(world, approved)
        assert done["state"] == "released"
        published = {name.removeprefix(f"{lent['prefix']}/"): content for name, content in bucket.files().items()}
        assert {path: published[path] for path in files} == files
        assert set(published) == {*files, "manifest.json"}
        with world.store.read() as work:
            assert verify(work).problems == ()

    def test_once(self, world, approved, files):
        for upload in borrow(world, approved)["uploads"]:
            put(upload, files[upload["path"]])
        receipt(world, approved)
        with pytest.raises(Conflict, match="no receipt of a caller is awaited"):
            receipt(world, approved)
        assert len(world.entries("release.completed")) == 1

    @pytest.mark.parametrize("how", ["missing", "longer", "of the same length"])
    def test_what_is_not_what_was_signed(self, world, approved, files, bucket, how):
        lent = borrow(world, approved)
        *others, last = lent["uploads"]
        for upload in others:
            put(upload, files[upload["path"]])
        content = files[last["path"]]
        wrong = {"longer": content + b"x", "of the same length": bytes(len(content))}.get(how)
        if wrong is not None:
            key = f"{bucket.name}/{lent['prefix']}/{last['path']}"
            bucket.filesystem.pipe_file(key, wrong)  # by the credential, past the signed address
        with pytest.raises(Refused, match=r"is not at the destination|is not what was signed"):
            receipt(world, approved)
        assert not any(name.endswith("manifest.json") for name in bucket.files())
        assert world.read(approved["id"])["state"] == "releasing"
        assert len(world.entries("receipt.refused")) == 1

    def test_another_attempt_than_the_one_under_way(self, world, approved):
        borrow(world, approved)
        with pytest.raises(Conflict, match="attempt 7 is over"):
            receipt(world, approved, fence=7)

    def test_too_late_is_a_failure_and_leaves_nothing(self, world, approved, files, bucket):
        for upload in borrow(world, approved)["uploads"]:
            put(upload, files[upload["path"]])
        world.clock.forward(minutes=16)
        with pytest.raises(Conflict, match="no receipt of a caller is awaited"):
            receipt(world, approved)
        while world.gate.release_waiting():
            pass
        failed = world.read(approved["id"])
        assert failed["state"] == "failed"
        assert "did not write the files in time" in failed["message"]
        assert bucket.files() == {}

    def test_a_gate_that_starts_again_in_between_waits_on(self, world, approved, files):
        lent = borrow(world, approved)
        world.store.close()
        world.start()
        while world.gate.release_waiting():
            pass
        for upload in lent["uploads"]:
            put(upload, files[upload["path"]])
        assert receipt(world, approved)["state"] == "released"

    def test_a_gate_that_dies_before_the_manifest_publishes_it_after_its_start(self, world, approved, files, bucket):
        for upload in borrow(world, approved)["uploads"]:
            put(upload, files[upload["path"]])

        class Dead(BaseException):
            pass

        releaser, commit = world.releaser, world.releaser.commit

        def die(order):
            raise Dead

        releaser.commit = die
        with pytest.raises(Dead):
            receipt(world, approved)
        releaser.commit = commit
        world.store.close()
        world.start()
        world.clock.forward(minutes=2)
        while world.gate.release_waiting():
            pass
        assert world.read(approved["id"])["state"] == "released"
        assert {name.rpartition("/")[2] for name in bucket.files()} >= {"manifest.json"}
