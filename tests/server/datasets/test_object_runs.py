"""Runs into object stores: interrupted, killed, two at once; over the wire of S3, Google and Azure."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import traceback

import boto3
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules
from maskgate.testing.azure_storage import azure_storage
from maskgate.testing.google_storage import google_storage

RULES = """
version: 1
keys: {people: "env:MASKGATE_KEY_PEOPLE"}
domains: {email: {scheme: cmac}}
tables: {people: {columns: {id: keep, email: {method: token, domain: email}}}}
"""
KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
ROWS = 20_000
LAYOUT = Layout(file_bytes=100_000, row_group_rows=1000)
KILLED = """
import os, signal, sys
from maskgate.datasets import Layout, mask_dataset
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

source, target, rules, rows, size = sys.argv[1:]
def stop(progress):
    if progress.rows >= int(rows):
        os.kill(os.getpid(), signal.SIGKILL)
mask_dataset(source, target, read_rules(rules, "r"), table_name="people", progress=stop, workers=1,
             keys=KeyRing({"people": Key("people", bytes(range(32)))}),
             layout=Layout(file_bytes=int(size), row_group_rows=20_000))
"""


class Place:
    """A new prefix of a store, as a worker reaches it: address and credentials are in the environment."""

    def __init__(self, uri, files):
        self.uri, self._files = uri, files

    def files(self):
        return {name.partition("/")[2]: content for name, content in self._files().items()}


@pytest.fixture
def in_s3(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.options["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.options["secret"])
    return Place(f"s3://{bucket.name}/masked", lambda: bucket.files("masked"))


@pytest.fixture
def in_google(monkeypatch):
    with google_storage() as store:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.url)
        name = f"bucket-{secrets.token_hex(4)}"
        yield Place(f"gs://{name}/masked", lambda: store.files(name))


@pytest.fixture
def in_azure(monkeypatch):
    with azure_storage() as store:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", store.options["connection_string"])
        name = f"container-{secrets.token_hex(4)}"
        yield Place(f"az://{name}/masked", lambda: store.files(name))


@pytest.fixture(params=["in_s3", "in_google", "in_azure"])
def place(request):
    for name in ("s3", "gs", "az"):
        fsspec.get_filesystem_class(name).clear_instance_cache()
    return request.getfixturevalue(request.param)


@pytest.fixture
def mask(tmp_path):
    def run(source, target, **options):
        options = {"layout": LAYOUT, "keys": KEYS, "table_name": "people"} | options
        return mask_dataset(source, target, read_rules(RULES, "r"), **options)

    return run


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "people.parquet"
    names = [f"person{at}@planted.example" for at in range(ROWS)]
    pq.write_table(pa.table({"id": np.arange(ROWS), "email": names}), file)
    return file


@pytest.fixture
def whole(mask, people, tmp_path):
    """What an uninterrupted run into a folder writes."""
    mask(people, tmp_path / "whole")
    return {each.name: each.read_bytes() for each in (tmp_path / "whole").iterdir()}


def after(rows, act):
    """Do something once, when so many rows are written."""
    done = []

    def watch(progress):
        if progress.rows >= rows and not done:
            done.append(progress.rows)
            act()

    return watch


def interrupt():
    raise KeyboardInterrupt


class TestStores:
    """What holds in a folder holds in every store, in the bytes too."""

    def test_there_and_back(self, mask, people, whole, place, tmp_path):
        mask(people, place.uri)
        assert place.files() == whole
        mask(f"{place.uri}/part-*.parquet", tmp_path / "again.csv.gz")
        assert mask(place.uri, tmp_path / "again").report.rows == ROWS

    def test_a_run_that_was_interrupted(self, mask, people, whole, place):
        with pytest.raises(KeyboardInterrupt) as caught:
            mask(people, place.uri, progress=after(12_000, interrupt))
        assert "--resume" in caught.value.__notes__[0]
        assert "manifest.json" not in place.files()
        with pytest.raises(DatasetError, match="another run is writing there, or was interrupted"):
            mask(people, place.uri)
        seen = []
        mask(people, place.uri, resume=True, progress=lambda progress: seen.append(progress.rows))
        assert place.files() == whole
        assert min(seen) > ROWS / 4, "finished parts are not masked again"

    def test_what_is_finished_is_held_to_the_bytes_that_stand_there(self, mask, people, whole, place, tmp_path):
        mask(people, place.uri)
        mask(people, place.uri, resume=True)
        assert place.files() == whole
        pq.write_table(pq.read_table(people).slice(1), tmp_path / "fewer.parquet")
        with pytest.raises(DatasetError, match="is not what this run would write"):
            mask(tmp_path / "fewer.parquet", place.uri, resume=True)
        assert place.files() == whole

    def test_of_two_runs_one_wins(self, mask, people, whole, place):
        def second():
            with pytest.raises(DatasetError, match="another run is writing there"):
                mask(people, place.uri)

        mask(people, place.uri, progress=after(1, second))
        assert place.files() == whole

    def test_who_was_taken_over_alive_stops(self, mask, people, whole, place):
        """Its heir has finished by then, and nothing of the result is touched."""
        with pytest.raises(DatasetError, match="something is there already"):
            mask(people, place.uri, workers=1, progress=after(12_000, lambda: mask(people, place.uri, resume=True)))
        assert place.files() == whole

    def test_of_two_runs_to_one_object_the_quicker_wins(self, mask, people, place, tmp_path):
        target = f"{place.uri}.parquet"
        with pytest.raises(DatasetError, match="something has appeared at the target meanwhile"):
            mask(people, target, progress=after(ROWS, lambda: mask(people, target)))
        mask(people, tmp_path / "one.parquet")
        with fsspec.open(target) as file:
            assert file.read() == (tmp_path / "one.parquet").read_bytes()


class TestCredentials:
    """An account that does not get in is told so, and its key is shown to nobody."""

    def test_a_wrong_key(self, mask, people, in_azure, monkeypatch):
        key = "cGxhbnRlZC1zZWNyZXQ="
        before, _, rest = os.environ["AZURE_STORAGE_CONNECTION_STRING"].partition("AccountKey=")
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"{before}AccountKey={key};{rest.partition(';')[2]}")
        fsspec.get_filesystem_class("az").clear_instance_cache()
        with pytest.raises(DatasetError, match="cannot be") as caught:
            mask(people, in_azure.uri)
        assert key not in "".join(traceback.format_exception(caught.value))
        assert in_azure.files() == {}


class TestFinishedParts:
    """Nothing is put behind a part that is not what the run before has written."""

    @pytest.mark.parametrize(
        ("happens", "said"),
        [
            pytest.param(lambda file: file.unlink(), "is gone, or cannot be read", id="it is gone"),
            pytest.param(lambda file: file.write_bytes(b"PAR1"), "has changed since", id="it was cut off"),
        ],
    )
    def test_a_part(self, mask, people, tmp_path, happens, said):
        with pytest.raises(KeyboardInterrupt):
            mask(people, tmp_path / "masked", progress=after(12_000, interrupt))
        happens(tmp_path / ".masked.maskgate-run" / "data" / "part-00000.parquet")
        with pytest.raises(DatasetError, match=rf"part-00000.parquet: this part .* {said}"):
            mask(people, tmp_path / "masked", resume=True)
        assert not (tmp_path / "masked").exists()
        mask(people, tmp_path / "masked")


class TestKilled:
    """A run that is killed in the middle of an upload leaves none behind, once another has gone on from there."""

    @pytest.fixture
    def uploads(self, bucket, monkeypatch):
        """How many uploads were begun and never finished, where parts of uploads are as small as S3 takes them."""
        monkeypatch.setenv("FSSPEC_S3", '{"default_block_size": 5242880}')
        names = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=bucket.options["endpoint_url"], **names)
        return lambda: len(client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ()))

    @pytest.mark.parametrize("is_first", [True, False], ids=["in the first file", "behind it"])
    def test_in_an_upload_of_several_parts(self, mask, in_s3, uploads, tmp_path, is_first):
        rows = 370_000 if is_first else 430_000
        many, layout = 450_000, Layout(file_bytes=6_500_000, row_group_rows=20_000)
        mails = pa.array([f"{at}@planted.example" for at in range(many)])
        pq.write_table(pa.table({"id": np.arange(many), "email": mails}), tmp_path / "people.parquet")
        arguments = [tmp_path / "people.parquet", in_s3.uri, RULES, str(rows), "6500000"]
        killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert "manifest.json" not in in_s3.files()
        assert uploads() == is_first
        mask(tmp_path / "people.parquet", in_s3.uri, resume=True, layout=layout)
        mask(tmp_path / "people.parquet", tmp_path / "whole", layout=layout)
        assert in_s3.files() == {each.name: each.read_bytes() for each in (tmp_path / "whole").iterdir()}
        assert uploads() == 0
