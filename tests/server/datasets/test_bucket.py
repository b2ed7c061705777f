from __future__ import annotations

import hashlib

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_bundle, mask_dataset
from maskgate.errors import DatasetError
from maskgate.rules import read_rules

RULES = "{version: 1, tables: {people: {columns: {name: {method: redact, with: x}, country: keep}}}}"
PEOPLE = pa.table({"name": ["Planted Person", None], "country": ["DE", "NO"]})


@pytest.fixture
def place(bucket, monkeypatch):
    """A bucket that is reached as a worker reaches it: address and credentials from the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.options["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.options["secret"])
    fsspec.filesystem("s3").clear_instance_cache()
    yield f"s3://{bucket.name}"
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def rules():
    return read_rules(RULES, "rules.yaml")


class TestBucket:
    """A real S3 API is read from and written to; what fails leaves nothing there."""

    def test_a_staging_in_a_bucket_is_written(self, bucket, place, rules):
        bundle = mask_bundle({"people": PEOPLE}, f"{place}/stg_1", rules)
        files = bucket.files("stg_1")
        assert set(files) == {"stg_1/manifest.json", "stg_1/people/part-00000.parquet"}
        (file,) = bundle.manifest["tables"]["people"]["files"]
        assert file["sha256"] == hashlib.sha256(files["stg_1/people/part-00000.parquet"]).hexdigest()
        assert not any(b"Planted" in content for content in files.values())

    def test_parts_in_a_bucket_are_read(self, bucket, place, rules, tmp_path):
        for at in range(2):
            with bucket.filesystem.open(f"{bucket.name}/raw/people/{at}.parquet", "wb") as file:
                pq.write_table(PEOPLE, file)
        assert mask_dataset(f"{place}/raw/people", tmp_path / "out", rules).report.rows == 4

    def test_text_and_tables_of_delta_lake(self, bucket, place, rules, tmp_path, monkeypatch):
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        bucket.filesystem.pipe_file(f"{bucket.name}/raw/people.csv", b"name,country\nPlanted,DE\n,NO\n")
        mask_dataset(f"{place}/raw/people.csv", f"{place}/lake/people", rules, target_format="delta")
        mask_dataset(f"{place}/lake/people@v0", tmp_path / "out.csv", rules)
        assert (tmp_path / "out.csv").read_bytes() == b"name,country\nx,DE\n,NO\n"
        assert not any(b"Planted" in content for content in bucket.files("lake").values())

    def test_what_fails_leaves_nothing(self, bucket, place, rules):
        def interrupt(_progress):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mask_bundle({"people": PEOPLE}, f"{place}/stg_2", rules, progress=interrupt)
        assert bucket.files("stg_2") == {}

    def test_a_prefix_in_use_is_refused(self, bucket, place, rules):
        bucket.filesystem.pipe_file(f"{bucket.name}/stg_3/old", b"x")
        with pytest.raises(DatasetError, match="something is there already"):
            mask_bundle({"people": PEOPLE}, f"{place}/stg_3", rules)
        assert set(bucket.files("stg_3")) == {"stg_3/old"}
