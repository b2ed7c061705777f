from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from server.release.carrying_out import untold
from server.release.places import BucketPlace, FolderPlace, MemoryPlace

from maskgate.errors import Conflict, DatasetError, Refused, UsageError
from maskgate.gate.model import SealedFile
from maskgate.release.releaser import DestinationReleaser

PART = "customers/part-00000.parquet"


@pytest.fixture(params=["folder", "s3", "memory"])
def place(request, tmp_path):
    if request.param == "s3":
        return BucketPlace(request.getfixturevalue("bucket"))
    return FolderPlace(tmp_path) if request.param == "folder" else MemoryPlace()


@pytest.fixture
def order(order_of, place):
    return order_of(place.uri, options=place.options)


@pytest.fixture
def releaser():
    return DestinationReleaser()


def wanted(order):
    return {
        f"{order.version}/{file.path}": Path(order.sealed.folder, file.path).read_bytes() for file in order.sealed.files
    }


class TestRelease:
    """Sealed bytes appear at the destination all at once, or not at all, wherever that is."""

    def test_nothing_is_there_before(self, releaser, order, place):
        assert releaser.probe(order) == "absent"
        assert place.visible() == {}

    def test_a_copy_is_not_visible(self, releaser, order, place):
        releaser.copy(order, untold)
        assert place.visible() == {}
        assert releaser.probe(order) == "absent"

    def test_a_commit_shows_byte_equal_files_and_leaves_nothing_else(self, releaser, order, place):
        copied = releaser.copy(order, untold)
        releaser.commit(order)
        assert releaser.probe(order) == "committed"
        assert place.files() == wanted(order)
        assert copied.location == f"{place.uri}/{order.version}"
        assert copied.files == order.sealed.files
        assert copied.content_digest == order.sealed.content_digest

    def test_committing_twice_is_committing_once(self, releaser, order, place):
        releaser.copy(order, untold)
        releaser.commit(order)
        releaser.commit(order)
        assert place.files() == wanted(order)

    def test_progress_runs_to_the_end(self, releaser, order):
        steps = []
        releaser.copy(order, lambda done, total: steps.append((done, total)))
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert steps[-1][0] <= steps[-1][1] == order.sealed.size

    def test_two_releases_lie_beside_each_other(self, releaser, order_of, place):
        orders = [order_of(place.uri, options=place.options, grant=f"g{at}", version=f"v{at}") for at in (1, 2)]
        for each in orders:
            releaser.copy(each, untold)
            releaser.commit(each)
        assert place.files() == {**wanted(orders[0]), **wanted(orders[1])}

    def test_what_progress_raises_stops_it_unseen(self, releaser, order, place):
        def lost(_done, _total):
            raise Conflict("the lease is lost")

        with pytest.raises(Conflict, match="the lease is lost"):
            releaser.copy(order, lost)
        assert place.visible() == {}

    def test_cleaning_leaves_nothing_of_what_was_not_published(self, releaser, order, place):
        releaser.copy(order, untold)
        releaser.clean(order)
        assert place.files() == {}

    def test_cleaning_leaves_what_was_published(self, releaser, order, place):
        releaser.copy(order, untold)
        releaser.commit(order)
        releaser.clean(order)
        assert place.files() == wanted(order)


class TestChangedBytes:
    """What is not what was signed never becomes visible."""

    def test_one_byte_of_the_sealed_copy(self, releaser, order, place):
        target = Path(order.sealed.folder, PART)
        content = bytearray(target.read_bytes())
        content[len(content) // 2] ^= 1
        target.write_bytes(content)
        with pytest.raises(Refused, match="is not what was signed"):
            releaser.copy(order, untold)
        assert place.files() == {}

    @pytest.mark.parametrize("change", [b"x", None], ids=["one byte more", "one byte less"])
    def test_another_size_of_the_sealed_copy(self, releaser, order, place, change):
        target = Path(order.sealed.folder, PART)
        content = target.read_bytes()
        target.write_bytes(content + change if change else content[:-1])
        with pytest.raises(Refused, match="is not what was signed"):
            releaser.copy(order, untold)
        assert place.files() == {}

    def test_a_sealed_file_that_became_a_link(self, releaser, order, place, tmp_path):
        target = Path(order.sealed.folder, PART)
        target.rename(tmp_path / "elsewhere")
        target.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Refused, match="no plain file"):
            releaser.copy(order, untold)
        assert place.files() == {}

    def test_a_list_of_files_that_was_changed_with_the_bytes(self, releaser, order, place):
        """Whoever writes to the gate's folder and database still does not have the signature."""
        first, *others = order.sealed.files
        forged = dataclasses.replace(order.sealed, files=(SealedFile(PART, first.size, "0" * 64), *others))
        with pytest.raises(Refused, match="not the one that was signed"):
            releaser.copy(dataclasses.replace(order, sealed=forged), untold)
        assert place.files() == {}


class TestChangedManifest:
    """An object store gets its manifest at the commit, which checks it once more."""

    def test_a_manifest_that_changed_between_copy_and_commit(self, releaser, order_of, bucket):
        place = BucketPlace(bucket)
        order = order_of(place.uri, options=place.options)
        releaser.copy(order, untold)
        Path(order.sealed.folder, "manifest.json").write_bytes(b"{}")
        with pytest.raises(Refused, match="is not what was signed"):
            releaser.commit(order)
        assert place.visible() == {}


class TestFences:
    """An attempt that was replaced cannot publish, nor spoil what its successor writes."""

    def test_a_later_attempt_removes_what_an_earlier_one_left(self, releaser, order_of, place):
        first, second = (order_of(place.uri, options=place.options, fence=fence) for fence in (1, 2))
        releaser.copy(first, untold)
        releaser.copy(second, untold)
        releaser.commit(second)
        assert place.files() == wanted(second)

    def test_an_earlier_attempt_cannot_commit(self, releaser, order_of, place):
        first, second = (order_of(place.uri, options=place.options, fence=fence) for fence in (1, 2))
        releaser.copy(first, untold)
        releaser.copy(second, untold)
        with pytest.raises(Conflict):
            releaser.commit(first)
        assert place.visible() == {}
        releaser.commit(second)
        assert place.files() == wanted(second)

    def test_an_earlier_attempt_cannot_copy(self, releaser, order_of, place):
        first, second = (order_of(place.uri, options=place.options, fence=fence) for fence in (1, 2))
        releaser.copy(second, untold)
        with pytest.raises(Conflict, match="later fence"):
            releaser.copy(first, untold)
        releaser.commit(second)
        assert place.files() == wanted(second)

    def test_an_earlier_attempt_cleans_nothing_of_a_later_one(self, releaser, order_of, place):
        first, second = (order_of(place.uri, options=place.options, fence=fence) for fence in (1, 2))
        releaser.copy(first, untold)
        releaser.copy(second, untold)
        releaser.clean(first)
        releaser.commit(second)
        assert place.files() == wanted(second)

    def test_an_earlier_attempt_that_wakes_in_the_middle_stops(self, releaser, order_of, place):
        first, second = (order_of(place.uri, options=place.options, fence=fence) for fence in (1, 2))
        steps = []

        def sleep_long_once(done, _total):
            steps.append(done)
            if len(steps) == 1:
                releaser.copy(second, untold)
                releaser.commit(second)

        try:
            releaser.copy(first, sleep_long_once)
        except (Conflict, Refused, DatasetError):
            steps.append("stopped")
        releaser.commit(second)
        releaser.clean(second)
        assert place.files() == wanted(second)

    def test_other_grants_are_left_alone(self, releaser, order_of, place):
        other = order_of(place.uri, options=place.options, grant="grant-10", version="other")
        releaser.copy(other, untold)
        order = order_of(place.uri, options=place.options, grant="grant-1", fence=2)
        releaser.copy(order, untold)
        releaser.commit(order)
        releaser.commit(other)
        assert place.files() == {**wanted(order), **wanted(other)}


class TestTakenVersion:
    """What is at the destination already is never written over."""

    def test_equal_content_counts_as_committed(self, releaser, order, place):
        for name, content in wanted(order).items():
            place.plant(name, content)
        assert releaser.probe(order) == "committed"
        releaser.commit(order)
        assert place.files() == wanted(order)

    def test_something_else_is_refused_and_kept(self, releaser, order, place):
        there = {**wanted(order), f"{order.version}/manifest.json": b"{}"}
        for name, content in there.items():
            place.plant(name, content)
        with pytest.raises(Refused, match="holds something else"):
            releaser.probe(order)
        with pytest.raises(Refused, match="holds something else"):
            releaser.commit(order)
        assert place.files() == there

    def test_something_that_appears_between_copy_and_commit_is_kept(self, releaser, order, place):
        releaser.copy(order, untold)
        place.plant(f"{order.version}/manifest.json", b"{}")
        with pytest.raises(Refused, match="holds something else"):
            releaser.commit(order)
        assert place.visible()[f"{order.version}/manifest.json"] == b"{}"

    def test_a_file_too_many_is_something_else(self, releaser, order, place):
        for name, content in {**wanted(order), f"{order.version}/customers/part-00001.parquet": b"x"}.items():
            place.plant(name, content)
        with pytest.raises(Refused, match="holds something else"):
            releaser.probe(order)


class TestOrder:
    """An order cannot lead out of its destination."""

    @pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\0b", "x" * 300])
    def test_a_version_or_grant_that_is_no_name(self, releaser, order_of, tmp_path, name):
        for order in (order_of(str(tmp_path), version=name), order_of(str(tmp_path), grant=name)):
            with pytest.raises(UsageError):
                releaser.copy(order, untold)

    def test_a_path_that_leads_out(self, releaser, order_of, tmp_path):
        order = order_of(str(tmp_path / "released"))
        sealed = dataclasses.replace(order.sealed, files=(SealedFile("../x", 1, "0" * 64),))
        with pytest.raises(UsageError):
            releaser.copy(dataclasses.replace(order, sealed=sealed), untold)
        assert not (tmp_path / "released").exists()
