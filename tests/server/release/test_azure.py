"""Azure's storage by its own library, at the wire: signed requests, and conditions that are kept."""

from __future__ import annotations

import base64
import json
import secrets

import pytest
from server.release.carrying_out import release, sealed, untold

from maskgate.errors import Conflict, DatasetError, Refused
from maskgate.release.releaser import DestinationReleaser
from maskgate.testing.azure_storage import azure_storage


@pytest.fixture(scope="module")
def store():
    with azure_storage() as running:
        yield running


@pytest.fixture
def container():
    return f"container-{secrets.token_hex(4)}"


@pytest.fixture
def order(order_of, store, container):
    def make(number, mode, *, fence=1, options=None):
        names = {"grant": f"grant-{number}", "version": f"v{number}", "fence": fence}
        return order_of(f"az://{container}/released", options=options or store.options, mode=mode, **names)

    return make


def index_of(store, container):
    return [version["version"] for version in json.loads(store.files(container)["released/dataset.json"])["versions"]]


class Meanwhile:
    """Something that happens right before a blob is stored, once."""

    def __init__(self, store, name, happens):
        self.store, self.name, self.happens = store, name, happens

    def __enter__(self):
        self.put = put = self.store.put

        def overtaken(place, content, conditions):
            if place[1].endswith(self.name):
                self.store.put = put
                self.happens(place)
            return put(place, content, conditions)

        self.store.put = overtaken

    def __exit__(self, *_):
        self.store.put = self.put


class TestAzureStorage:
    """What holds for S3 and Google holds here, by Azure's own conditions."""

    def test_a_new_version(self, order, store, container):
        releaser, one = DestinationReleaser(), order(1, "new_version")
        releaser.copy(one, untold)
        assert "released/v1/manifest.json" not in store.files(container)
        assert releaser.probe(one) == "absent"
        releaser.commit(one)
        assert store.files(container) == {f"released/v1/{path}": content for path, content in sealed(one).items()}
        assert releaser.probe(one) == "committed"
        assert releaser.versions(one.destination) == ["v1"]

    def test_another_key_gets_nowhere(self, order, store, container):
        options = store.options_with(base64.b64encode(bytes(64)).decode())
        with pytest.raises(DatasetError, match="the storage did not do it") as told:
            release(order(1, "new_version", options=options))
        assert "AccountKey" not in str(told.value)
        assert store.files(container) == {}
        assert store.refused[-1] == "AuthenticationFailed"

    def test_a_manifest_that_appears_meanwhile_is_not_written_over(self, order, store, container):
        releaser, one = DestinationReleaser(), order(1, "new_version")
        releaser.copy(one, untold)
        with (
            Meanwhile(store, "manifest.json", lambda place: store.put(place, b"{}", {})),
            pytest.raises(Refused, match="holds something else"),
        ):
            releaser.commit(one)
        assert store.files(container)["released/v1/manifest.json"] == b"{}"
        assert store.refused[-1] == "BlobAlreadyExists"

    def test_a_file_that_appears_meanwhile_is_not_written_over(self, order, store, container):
        one = order(1, "new_version")
        with (
            Meanwhile(store, "part-00000.parquet", lambda place: store.put(place, b"other", {})),
            pytest.raises(Refused, match="holds something else"),
        ):
            DestinationReleaser().copy(one, untold)
        assert b"other" not in {content for name, content in store.files(container).items() if "manifest" in name}
        assert not any(name.endswith("manifest.json") for name in store.files(container))

    def test_a_second_attempt_goes_on_after_the_first(self, order, store, container):
        first, second = order(1, "new_version"), order(1, "new_version", fence=2)
        DestinationReleaser().copy(first, untold)
        DestinationReleaser().copy(second, untold)
        with pytest.raises(Conflict):
            DestinationReleaser().commit(first)
        DestinationReleaser().commit(second)
        assert store.files(container) == {f"released/v1/{path}": content for path, content in sealed(second).items()}

    def test_append(self, order, store, container):
        for number in (1, 2):
            release(order(number, "append"))
        assert index_of(store, container) == ["v1", "v2"]

    def test_replace_removes_what_it_replaced(self, order, store, container):
        for number in (1, 2):
            release(order(number, "replace"))
        assert index_of(store, container) == ["v2"]
        assert not [name for name in store.files(container) if "/v1/" in name]

    @pytest.mark.parametrize("is_first", [True, False])
    def test_an_index_that_changed_meanwhile_is_read_again(self, order, store, container, is_first):
        if not is_first:
            release(order(1, "append"))
        late, other = order(2, "append"), order(3, "append")
        DestinationReleaser().copy(late, untold)
        DestinationReleaser().copy(other, untold)
        store.refused.clear()
        with Meanwhile(store, "dataset.json", lambda _place: DestinationReleaser().commit(other)):
            DestinationReleaser().commit(late)
        assert index_of(store, container) == [*([] if is_first else ["v1"]), "v3", "v2"]
        assert ("BlobAlreadyExists" if is_first else "ConditionNotMet") in store.refused


class TestBlocks:
    """A file of several blocks appears at once, or not at all."""

    def test_blocks_are_nothing_until_their_list_is(self, order, store, container):
        one = order(1, "new_version", options={**store.options, "blocksize": 256})
        seen = []
        put = store.put

        def look(place, content, conditions):
            blocks = len(store.blocks.get(place, {}))
            seen.append((place[1].rpartition("/")[2], blocks, place in store.blobs, conditions.get("if-none-match")))
            return put(place, content, conditions)

        store.put = look
        try:
            release(one)
        finally:
            store.put = put
        parts = [each for each in seen if each[0].endswith(".parquet")]
        assert len(parts) == 2
        assert all(blocks > 1 and not there and condition == "*" for _, blocks, there, condition in parts)
        assert store.files(container) == {f"released/v1/{path}": content for path, content in sealed(one).items()}
