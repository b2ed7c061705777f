"""Modes `replace` and `append`: one index says what counts, and each release changes it in one step."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import pytest
from server.release.carrying_out import release, untold
from server.release.places import BucketPlace, FolderPlace, MemoryPlace

from maskgate.errors import Conflict, Refused
from maskgate.gate.content import content_digest
from maskgate.release.releaser import DestinationReleaser


@pytest.fixture(params=["folder", "s3", "memory"])
def place(request, tmp_path):
    if request.param == "s3":
        return BucketPlace(request.getfixturevalue("bucket"))
    return FolderPlace(tmp_path) if request.param == "folder" else MemoryPlace()


@pytest.fixture
def order(order_of, place):
    """Make the order of the release with a number."""

    def make(number, mode, *, fence=1):
        names = {"grant": f"grant-{number}", "version": f"v{number}", "fence": fence}
        return order_of(place.uri, options=place.options, mode=mode, **names)

    return make


def index(place):
    files = place.files()
    return json.loads(files["dataset.json"]) if "dataset.json" in files else None


def named(place):
    """What a reader finds who goes by the index, each file compared with what the index says of it."""
    files = place.files()
    found = [file for version in index(place)["versions"] for file in version["files"]]
    assert all(len(files[file["path"]]) == file["size"] for file in found)
    return {file["path"]: files[file["path"]] for file in found}


def wanted(*orders):
    return {
        f"versions/{order.version}/{file.path}": Path(order.sealed.folder, file.path).read_bytes()
        for order in orders
        for file in order.sealed.files
    }


def with_a_column_more(order):
    """The same bytes, said to have another column: a schema is what the gate measured."""
    table, *others = order.sealed.tables
    tables = (dataclasses.replace(table, schema=(*table.schema, ("extra", "int64"))), *others)
    digest = content_digest(order.sealed.rules_digest, order.sealed.files, tables)
    return dataclasses.replace(order, sealed=dataclasses.replace(order.sealed, tables=tables, content_digest=digest))


class TestReplace:
    """One version counts; a release takes the place of the one before it in one step."""

    def test_the_first(self, order, place):
        first = order(1, "replace")
        copied = release(first)
        assert named(place) == wanted(first)
        assert copied.location == f"{place.uri}/versions/v1"

    def test_nothing_counts_before_it_is_committed(self, order, place):
        releaser, first = DestinationReleaser(), order(1, "replace")
        releaser.copy(first, untold)
        assert (index(place), releaser.probe(first)) == (None, "absent")

    def test_the_second_replaces_the_first(self, order, place):
        first, second = order(1, "replace"), order(2, "replace")
        release(first)
        releaser = DestinationReleaser()
        releaser.copy(second, untold)
        assert named(place) == wanted(first)
        releaser.commit(second)
        assert named(place) == wanted(second)
        assert not [name for name in place.files() if name.startswith("versions/v1/")]

    def test_a_release_that_was_replaced_counts_as_committed(self, order, place):
        """A gate that died after its release must not bring the old version back."""
        first, second = order(1, "replace"), order(2, "replace")
        release(first)
        release(second)
        releaser, again = DestinationReleaser(), order(1, "replace", fence=2)
        assert releaser.probe(again) == "committed"
        releaser.copy(again, untold)
        releaser.commit(again)
        assert named(place) == wanted(second)

    def test_a_link_leads_readers_of_a_folder(self, order_of, tmp_path):
        place = FolderPlace(tmp_path)
        for number in (1, 2):
            release(order_of(place.uri, grant=f"g{number}", version=f"v{number}", mode="replace"))
            current = place.path / "current"
            assert current.is_symlink()
            assert str(current.readlink()) == f"versions/v{number}"
            assert (current / "manifest.json").exists()

    def test_what_is_no_link_under_its_name_is_kept(self, order_of, tmp_path):
        place = FolderPlace(tmp_path)
        place.plant("current/precious", b"x")
        with pytest.raises(Refused, match="current is a folder there"):
            release(order_of(place.uri, mode="replace"))
        assert (place.path / "current" / "precious").read_bytes() == b"x"


class TestAppend:
    """Every release adds its files to one dataset, once."""

    def test_releases_add_up(self, order, place):
        orders = [order(number, "append") for number in (1, 2, 3)]
        for each in orders:
            release(each)
        assert named(place) == wanted(*orders)
        assert index(place)["generation"] == 3

    def test_once_however_often_it_is_tried(self, order, place):
        release(order(1, "append"))
        release(order(2, "append"))
        release(order(1, "append", fence=2))
        DestinationReleaser().commit(order(1, "append", fence=3))
        assert [version["grant"] for version in index(place)["versions"]] == ["grant-1", "grant-2"]

    def test_other_columns_are_refused_before_anything_is_copied(self, order, place):
        release(order(1, "append"))
        before = place.files()
        with pytest.raises(Refused, match=r"same tables and columns as what is there.*differ: customers"):
            release(with_a_column_more(order(2, "append")))
        assert place.files() == before

    def test_other_columns_that_come_second_leave_nothing(self, order, place):
        releaser, first, other = DestinationReleaser(), order(1, "append"), with_a_column_more(order(2, "append"))
        releaser.copy(other, untold)
        release(first)
        with pytest.raises(Refused, match="same tables and columns"):
            releaser.commit(other)
        assert named(place) == wanted(first)
        assert not [name for name in place.files() if "v2" in name]


@pytest.mark.parametrize("mode", ["replace", "append"])
class TestTogether:
    """Who goes by the index sees each release once, whoever else releases there."""

    def test_many_at_once(self, order, place, mode):
        orders = [order(number, mode) for number in range(1, 9)]
        for each in orders:
            DestinationReleaser().copy(each, untold)
        barrier, failed = threading.Barrier(len(orders)), []

        def commit(each):
            barrier.wait()
            try:
                DestinationReleaser().commit(each)
            except Exception as error:  # noqa: BLE001  whatever it is, the test has to hear of it
                failed.append(error)

        threads = [threading.Thread(target=commit, args=(each,)) for each in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        found = index(place)
        assert found["generation"] == len(orders)
        released = [each["grant"] for each in (*found["replaced"], *found["versions"])]
        assert sorted(released) == sorted(each.grant for each in orders)
        last = [each for each in orders if each.version == found["versions"][-1]["version"]]
        assert named(place) == wanted(*(orders if mode == "append" else last))

    def test_one_who_was_asleep_commits_nothing(self, order, place, mode):
        """It has copied, is overtaken under a later fence, and wakes after another release came on top."""
        releaser, asleep = DestinationReleaser(), order(1, mode)
        releaser.copy(asleep, untold)
        release(order(1, mode, fence=2))
        release(order(2, mode))
        before = place.files()
        releaser.commit(asleep)
        assert place.files() == before

    def test_one_who_is_overtaken_in_the_middle_publishes_nothing(self, order, place, mode):
        releaser, asleep = DestinationReleaser(), order(1, mode)
        releaser.copy(asleep, untold)
        releaser.copy(order(1, mode, fence=2), untold)
        with pytest.raises(Conflict):
            releaser.commit(asleep)
        assert index(place) is None

    def test_another_mode_than_it_was_begun_with(self, order, place, mode):
        release(order(1, mode))
        before = place.files()
        other = order(2, "append" if mode == "replace" else "replace")
        with pytest.raises(Refused, match=f"was begun with the mode {mode}"):
            release(other)
        assert place.files() == before

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"{}", id="another object"),
            pytest.param(b"[" * 100_000, id="deep nesting"),
            pytest.param(b'{"format": "maskgate-dataset/1", "mode": "append"}', id="half of one"),
        ],
    )
    def test_an_index_that_is_none_stays_as_it_is(self, order, place, mode, text):
        place.plant(".maskgate-index/0000000001.json" if isinstance(place, FolderPlace) else "dataset.json", text)
        before = place.files()
        with pytest.raises(Refused, match="is not one that Maskgate wrote"):
            release(order(1, mode))
        assert place.files() == before
