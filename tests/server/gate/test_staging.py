from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from maskgate.errors import Conflict, NotFound, Refused, UsageError
from maskgate.gate import staging as staging_module
from maskgate.gate.model import StagingRoot
from maskgate.gate.staging import Staging, new_staging_id

PART = "customers/part-00000.parquet"


@pytest.fixture(params=["folder", "s3"])
def staging(request, tmp_path):
    if request.param == "folder":
        return Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
    bucket = request.getfixturevalue("bucket")
    return Staging(StagingRoot(id="bucket", uri=f"s3://{bucket.name}/staging", options=bucket.options))


@pytest.fixture
def folder(tmp_path):
    return Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))


def put(staging, staging_id, path, content):
    return staging.put(staging_id, path, io.BytesIO(content))


def read(staging, staging_id, path):
    with staging.read(staging_id, path) as stream:
        return b"".join(iter(lambda: stream.read(1 << 20), b""))


class Broken:
    """A client whose connection breaks after the first bytes."""

    def __init__(self):
        self.reads = 0

    def read(self, size):
        self.reads += 1
        if self.reads > 1:
            raise ConnectionResetError
        return b"first bytes"


class TestStaging:
    """A staging is a place that is written once, wherever its root is."""

    def test_a_new_staging_is_empty(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        assert staging.names(staging_id) == frozenset()

    def test_what_is_put_is_hashed_and_there(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        content = os.urandom(3 << 20)
        written = put(staging, staging_id, PART, content)
        assert (written.path, written.size) == (PART, len(content))
        assert written.sha256 == hashlib.sha256(content).hexdigest()
        assert staging.names(staging_id) == {PART}
        assert read(staging, staging_id, PART) == content

    def test_nothing_is_written_over(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        put(staging, staging_id, PART, b"first")
        with pytest.raises(Conflict, match="never written over"):
            put(staging, staging_id, PART, b"second")
        assert read(staging, staging_id, PART) == b"first"

    def test_a_broken_upload_leaves_nothing_and_can_be_repeated(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        with pytest.raises(Exception):  # noqa: B017  whatever the connection raised
            staging.put(staging_id, PART, Broken())
        assert staging.names(staging_id) == frozenset()
        put(staging, staging_id, PART, b"whole")
        assert read(staging, staging_id, PART) == b"whole"

    def test_an_upload_that_is_too_large_leaves_nothing(self, staging, monkeypatch):
        monkeypatch.setattr(staging_module, "LARGEST_FILE", 10)
        staging_id = new_staging_id()
        staging.open(staging_id)
        with pytest.raises(Refused, match="larger than the 10 bytes"):
            put(staging, staging_id, PART, b"eleven byte")
        assert staging.names(staging_id) == frozenset()

    def test_too_many_files_are_refused(self, staging, monkeypatch):
        monkeypatch.setattr(staging_module, "MOST_FILES", 1)
        staging_id = new_staging_id()
        staging.open(staging_id)
        put(staging, staging_id, PART, b"first")
        with pytest.raises(Refused, match="at most 1 files"):
            put(staging, staging_id, "customers/part-00001.parquet", b"second")

    def test_a_hostile_name_is_refused(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        with pytest.raises(UsageError):
            put(staging, staging_id, "../outside", b"x")
        with pytest.raises(UsageError):
            staging.names("../../etc")

    def test_deleting_removes_it_with_all_that_is_in_it(self, staging):
        staging_id, other = new_staging_id(), new_staging_id()
        for each in (staging_id, other):
            staging.open(each)
            put(staging, each, PART, b"x")
        staging.delete(staging_id)
        staging.delete(staging_id)
        assert not staging.exists(staging_id)
        assert staging.exists(other)

    def test_a_missing_file_is_refused_by_name(self, staging):
        staging_id = new_staging_id()
        staging.open(staging_id)
        with pytest.raises(Refused, match=r"customers/part-00000\.parquet.*missing"), staging.read(staging_id, PART):
            pass


class TestStagingFolder:
    """Where both sides reach one folder, nothing found in it is trusted."""

    def test_workers_of_the_group_may_write_and_nobody_else_may_look(self, folder, tmp_path):
        staging_id = new_staging_id()
        opened = folder.open(staging_id)
        assert opened.uri == str(tmp_path / "staging" / staging_id)
        assert not opened.upload
        assert stat.S_IMODE(Path(opened.uri).stat().st_mode) == 0o2770

    def test_an_upload_only_root_tells_nobody_where_it_is(self, tmp_path):
        root = StagingRoot(id="private", uri=str(tmp_path), upload_only=True)
        opened = Staging(root).open(new_staging_id())
        assert opened.uri is None
        assert opened.upload

    def test_an_id_is_opened_once(self, folder):
        staging_id = new_staging_id()
        folder.open(staging_id)
        with pytest.raises(Conflict):
            folder.open(staging_id)

    def test_a_staging_that_was_never_opened_takes_nothing(self, folder):
        folder.open(new_staging_id())
        with pytest.raises(NotFound):
            put(folder, new_staging_id(), PART, b"x")

    def test_a_table_folder_that_is_a_link_takes_nothing(self, folder, tmp_path):
        opened = folder.open(staging_id := new_staging_id())
        outside = tmp_path / "outside"
        outside.mkdir()
        Path(opened.uri, "customers").symlink_to(outside)
        with pytest.raises(Refused, match="is a link"):
            put(folder, staging_id, PART, b"x")
        assert list(outside.iterdir()) == []

    def test_deleting_follows_no_link(self, folder, tmp_path):
        opened = folder.open(staging_id := new_staging_id())
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "precious").write_text("kept")
        Path(opened.uri, "customers").symlink_to(outside)
        folder.delete(staging_id)
        assert not folder.exists(staging_id)
        assert (outside / "precious").read_text() == "kept"

    def test_unfinished_uploads_go_with_the_staging(self, folder, tmp_path):
        folder.open(staging_id := new_staging_id())
        put(folder, staging_id, PART, b"x")
        leftover = tmp_path / "staging" / ".uploads" / f"{staging_id}-0123"
        leftover.write_bytes(b"a killed gate left this")
        folder.delete(staging_id)
        assert not leftover.exists()
