from __future__ import annotations

import hashlib
import os

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from core.datasets.resuming.people import ROWS, RULES, Interrupting, files, people

from maskgate.datasets import Layout
from maskgate.errors import DatasetError, MaskingError
from maskgate.keys import Key, KeyRing


class TestInterrupted:
    """What was finished is kept, and a run that resumes gives the bytes that an uninterrupted one gives."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_resumed(self, mask, whole, tmp_path, workers):
        with pytest.raises(KeyboardInterrupt) as caught:
            mask(progress=Interrupting(6000), workers=workers)
        assert "--resume" in caught.value.__notes__[0]
        assert not (tmp_path / "masked").exists()
        watching = Interrupting(ROWS * 2)
        done = mask(resume=True, progress=watching, workers=workers)
        assert files(tmp_path / "masked") == whole
        assert min(watching.seen) > 3000, "finished parts are not masked again"
        assert done.report.rows == ROWS
        assert not (tmp_path / ".masked.maskgate-run").exists()

    def test_checks_of_the_whole_table_see_all_rows(self, mask, source, tmp_path):
        last = pq.read_table(source / "3.parquet")
        pq.write_table(pa.concat_tables([last.slice(1), people().slice(0, 1)]), source / "3.parquet")
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000), unique="[email]")
        with pytest.raises(MaskingError, match="1 values stand there a second time"):
            mask(resume=True, unique="[email]")
        assert not (tmp_path / "masked").exists()

    def test_nothing_to_resume_is_a_beginning(self, mask, whole, tmp_path):
        mask(resume=True)
        assert files(tmp_path / "masked") == whole

    def test_without_resume_it_begins_anew(self, mask, whole, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000))
        watching = Interrupting(ROWS * 2)
        mask(progress=watching)
        assert watching.seen[0] == 500
        assert files(tmp_path / "masked") == whole

    def test_what_no_part_is_finished_of_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(KeyboardInterrupt):
            mask("deep/masked", progress=Interrupting(500))
        assert sorted(tmp_path.iterdir()) == before

    def test_a_value_that_cannot_be_masked_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(MaskingError):
            mask(progress=Interrupting(6000, MaskingError("x")))
        assert sorted(tmp_path.iterdir()) == before

    def test_a_single_object_begins_anew(self, mask):
        store = fsspec.filesystem("memory")
        mask("memory://bucket/whole.parquet")
        with pytest.raises(KeyboardInterrupt):
            mask("memory://bucket/masked.parquet", progress=Interrupting(6000))
        mask("memory://bucket/masked.parquet", resume=True)
        assert store.cat("/bucket/masked.parquet") == store.cat("/bucket/whole.parquet")

    def test_an_object_store(self, mask, whole):
        store = fsspec.filesystem("memory")
        with pytest.raises(KeyboardInterrupt):
            mask("memory://bucket/masked", progress=Interrupting(6000))
        assert not store.exists("/bucket/masked/manifest.json")
        with pytest.raises(DatasetError, match="another run is writing there, or was interrupted"):
            mask("memory://bucket/masked")
        mask("memory://bucket/masked", resume=True)
        written = {name.rpartition("/")[2]: store.cat(name) for name in store.find("/bucket/masked")}
        assert {name: hashlib.sha256(content).hexdigest() for name, content in written.items()} == whole


class TestChanges:
    """Nothing is put behind parts that were made of something else."""

    @pytest.fixture
    def interrupted(self, mask, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000))
        return tmp_path / ".masked.maskgate-run"

    def assert_refused(self, mask, interrupted, said, **options):
        """A run that resumes is told what differs, and what is finished stays as it is."""
        before = files(interrupted / "data")
        with pytest.raises(DatasetError) as caught:
            mask(resume=True, **options)
        assert "cannot be resumed, since something is different now" in str(caught.value)
        assert said in str(caught.value)
        assert files(interrupted / "data") == before

    def test_another_key_of_the_same_version(self, mask, interrupted):
        self.assert_refused(mask, interrupted, ": the keys.", keys=KeyRing({"people": Key("people", bytes(32))}))

    def test_a_newer_key(self, mask, interrupted):
        newer = Key("people", bytes(range(32)), 2, {1: bytes(32)})
        self.assert_refused(mask, interrupted, ": the keys.", keys=KeyRing({"people": newer}))

    def test_other_rules(self, mask, interrupted):
        self.assert_refused(mask, interrupted, "the rules", rules=RULES.replace("scale: 5", "scale: 6"))

    def test_another_layout(self, mask, interrupted):
        self.assert_refused(mask, interrupted, "the layout", layout=Layout(file_bytes=20_000, row_group_rows=1000))

    def test_a_file_that_was_written_again(self, mask, interrupted, source):
        table = pq.read_table(source / "3.parquet")
        pq.write_table(table.take(list(range(2499, -1, -1))), source / "3.parquet", row_group_size=700)
        self.assert_refused(mask, interrupted, "the input")

    @pytest.mark.parametrize(
        "content",
        [
            b"torn\n",
            pytest.param(b"[" * 99_999 + b"\n", id="deep"),
            b"\xff\n",
            b"{}\n",
            b"[]\n",
            b'{"terms": {}}\n{"part": {"path": 1}}\n',
            b"\0\n",
        ],
    )
    def test_a_damaged_journal(self, mask, whole, interrupted, tmp_path, content):
        (interrupted / "journal").write_bytes(content)
        with pytest.raises(DatasetError, match=r"the journal .* is damaged\. Mask it anew, without --resume\."):
            mask(resume=True)
        mask()
        assert files(tmp_path / "masked") == whole

    def test_a_damaged_journal_in_a_store(self, mask):
        with pytest.raises(KeyboardInterrupt):
            mask("memory://bucket/torn", progress=Interrupting(6000))
        fsspec.filesystem("memory").pipe("/bucket/torn/_maskgate/000001.json", b"{")
        with pytest.raises(DatasetError, match=r"is damaged\. Remove what is there, and mask it anew\."):
            mask("memory://bucket/torn", resume=True)

    def test_a_byte_that_was_changed_and_the_time_set_back(self, mask, interrupted, source):
        file = source / "3.parquet"
        before, content = file.stat(), bytearray(file.read_bytes())
        content[100] ^= 1
        file.write_bytes(content)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assert_refused(mask, interrupted, "the input")

    def test_a_file_that_was_added(self, mask, interrupted, source):
        pq.write_table(people(1), source / "4.parquet")
        self.assert_refused(mask, interrupted, "the input")
