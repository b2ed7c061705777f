"""Google's storage by its own library, against a server that keeps its word on conditions."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys

import pytest
from gcsfs.core import GCSFileSystem
from server.release.carrying_out import release, sealed, untold

from maskgate.datasets.object_store import connect
from maskgate.errors import Refused
from maskgate.gate.locations import open_filesystem, parse_location
from maskgate.release.releaser import DestinationReleaser
from maskgate.testing.google_storage import google_storage


@pytest.fixture(scope="module")
def store():
    with google_storage() as running:
        yield running


@pytest.fixture
def bucket():
    return f"bucket-{secrets.token_hex(4)}"


@pytest.fixture
def order(order_of, store, bucket):
    def make(number, mode, *, fence=1):
        names = {"grant": f"grant-{number}", "version": f"v{number}", "fence": fence}
        return order_of(f"gs://{bucket}/released", options=store.options, mode=mode, **names)

    return make


class TestGoogleStorage:
    """What holds for S3 holds here, by Google's own condition."""

    def test_a_new_version(self, order, store, bucket):
        releaser, one = DestinationReleaser(), order(1, "new_version")
        releaser.copy(one, untold)
        assert "released/v1/manifest.json" not in store.files(bucket)
        assert releaser.probe(one) == "absent"
        releaser.commit(one)
        assert store.files(bucket) == {f"released/v1/{path}": content for path, content in sealed(one).items()}
        assert releaser.probe(one) == "committed"

    def test_a_manifest_that_appears_meanwhile_is_not_written_over(self, order, store, bucket):
        releaser, one = DestinationReleaser(), order(1, "new_version")
        releaser.copy(one, untold)
        appeared = []
        put = store.put

        def first(where, name, content, match):
            if name.endswith("manifest.json") and not appeared:
                appeared.append(name)
                put(where, name, b"{}", None)
            return put(where, name, content, match)

        store.put = first
        try:
            with pytest.raises(Refused, match="holds something else"):
                releaser.commit(one)
        finally:
            store.put = put
        assert store.files(bucket)["released/v1/manifest.json"] == b"{}"
        assert store.refused[-1] == "released/v1/manifest.json"

    def test_append_and_replace_change_the_index_they_saw(self, order, store, bucket):
        for number in (1, 2):
            release(order(number, "append"))
        index = json.loads(store.files(bucket)["released/dataset.json"])
        assert [version["version"] for version in index["versions"]] == ["v1", "v2"]

    def test_an_index_that_changed_meanwhile_is_read_again(self, order, store, bucket):
        release(order(1, "append"))
        late, other = order(2, "append"), order(3, "append")
        DestinationReleaser().copy(late, untold)
        DestinationReleaser().copy(other, untold)
        put, before = store.put, []

        def overtaken(where, name, content, match):
            if name.endswith("dataset.json") and not before:
                before.append(name)
                store.put = put
                DestinationReleaser().commit(other)
            return put(where, name, content, match)

        store.put = overtaken
        DestinationReleaser().commit(late)
        index = json.loads(store.files(bucket)["released/dataset.json"])
        assert [version["version"] for version in index["versions"]] == ["v1", "v3", "v2"]
        assert store.refused[-1] == "released/dataset.json"


class TestOneWay:
    """Whatever gcsfs has been told, nothing goes by its other way, which knows no conditions."""

    def test_by_the_json_api_alone(self, monkeypatch):
        monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "true")
        import gcsfs.extended_gcsfs  # noqa: F401, PLC0415  as other code in the process may have done

        options = {"token": "anon"}
        opened = open_filesystem(parse_location("gs://bucket/released"), options)
        read, alike = (connect(f"{scheme}://bucket/released", options) for scheme in ("gs", "gcs"))
        assert [type(each) for each in (opened, read[0], alike[0])] == [GCSFileSystem] * 3
        assert read[1] == alike[1] == "bucket/released"

    def test_a_gate_opens_it_without_arrow(self):
        program = (
            "import sys; from maskgate.gate.locations import open_filesystem, parse_location;"
            "open_filesystem(parse_location('gs://bucket/released'), {'token': 'anon'});"
            "print(sorted({'pyarrow', 'numpy'} & sys.modules.keys()))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
