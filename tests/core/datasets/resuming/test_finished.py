from __future__ import annotations

import io
import signal
import subprocess
import sys
import traceback

import fsspec
import pyarrow.parquet as pq
import pytest
from core.datasets.resuming.people import RULES, files, people

from maskgate.datasets import Layout
from maskgate.datasets.finished_target import FinishedTarget
from maskgate.errors import DatasetError
from maskgate.keys import Key, KeyRing

KILLED_AT_THE_END = """
import os, signal, sys
from maskgate.datasets import Layout, local_output, mask_dataset
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

local_output._remove_work = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
source, target, rules = sys.argv[1:]
mask_dataset(source, target, read_rules(rules, "r"), table_name="people",
             keys=KeyRing({"people": Key("people", bytes(range(32)))}),
             layout=Layout(file_bytes=20_000, row_group_rows=500))
"""
TARGETS = ("masked", "masked.parquet", "masked.csv.gz", "memory://bucket/finished", "memory://bucket/finished.arrow")


def longer(file):
    file.write_bytes(file.read_bytes() + b"x")


class TestFinished:
    """A run that resumes what is finished says that all is well, if each byte is what it would write; else why not."""

    @pytest.fixture(params=TARGETS)
    def target(self, request):
        yield request.param
        store = fsspec.filesystem("memory")
        for name in store.find("/bucket"):
            store.rm_file(name)

    def contents(self, target, tmp_path):
        if "://" in target:
            store = fsspec.filesystem("memory")
            return {name: store.cat_file(name) for name in store.find(target.removeprefix("memory:/"))}
        there = [tmp_path / target, *tmp_path.glob(f"{target}/*")]
        return {each: each.read_bytes() for each in there if each.is_file()}

    def test_the_same_again(self, mask, target, tmp_path):
        first = mask(target)
        before = self.contents(target, tmp_path)
        again = mask(target, resume=True, workers=1)
        assert (again.manifest, again.report) == (first.manifest, first.report)
        assert self.contents(target, tmp_path) == before

    @pytest.mark.parametrize("target", ["masked", "masked.parquet"])
    def test_a_kill_right_behind_the_commit(self, mask, source, whole, target, tmp_path):
        command = [sys.executable, "-c", KILLED_AT_THE_END, str(source), str(tmp_path / target), RULES % "[]"]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert (tmp_path / f".{target}.maskgate-run").exists()
        mask(target, resume=True)
        assert {each.name for each in tmp_path.iterdir()} == {"people", "whole", target}
        if target == "masked":
            assert files(tmp_path / target) == whole

    def test_a_kill_between_the_manifest_and_the_notes(self, mask, monkeypatch):
        """Readers see the result, which is not taken away if the run that resumes it is stopped."""
        monkeypatch.setattr("maskgate.datasets.object_output.Objects.finish", lambda _: None)
        mask("memory://bucket/behind")
        monkeypatch.undo()
        store = fsspec.filesystem("memory")
        assert store.find("/bucket/behind/_maskgate")
        with pytest.raises(DatasetError, match="was made by other rules"):
            mask("memory://bucket/behind", resume=True, unique="[id]")
        mask("memory://bucket/behind", resume=True)
        assert not store.find("/bucket/behind/_maskgate")
        assert store.exists("/bucket/behind/manifest.json")
        store.rm("/bucket/behind", recursive=True)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"keys": KeyRing({"people": Key("people", bytes(32))})}, "its part-00000.parquet differs"),
            ({"keys": KeyRing({"people": Key("people", bytes(32), 2, {1: bytes(32)})})}, "other versions of keys"),
            ({"rules": RULES.replace("scale: 5", "scale: 6")}, "was made by other rules"),
            ({"layout": Layout(row_group_rows=500)}, "its part-00000.parquet differs"),
            ({"target_format": "csv"}, "its part-00000.csv differs"),
        ],
        ids=["another key", "a newer key", "other rules", "another layout", "another format"],
    )
    def test_anything_else_is_refused(self, mask, whole, tmp_path, options, said):
        with pytest.raises(DatasetError, match="whole: it exists already") as caught:
            mask("whole", resume=True, **options)
        assert said in str(caught.value)
        assert "Nothing is left to resume: choose another target, or remove it first." in str(caught.value)
        assert files(tmp_path / "whole") == whole

    def test_another_input(self, mask, source, target, tmp_path):
        mask(target)
        before = self.contents(target, tmp_path)
        pq.write_table(people().slice(7500, 2499), source / "3.parquet", row_group_size=700)
        with pytest.raises(DatasetError, match="is not what this run would write"):
            mask(target, resume=True)
        assert self.contents(target, tmp_path) == before

    @pytest.mark.parametrize(
        ("happens", "said"),
        [
            (lambda folder: (folder / "part-00001.parquet").unlink(), "its part-00001.parquet differs"),
            (lambda folder: longer(folder / "part-00001.parquet"), "its part-00001.parquet differs"),
            (lambda folder: (folder / "part-99999.parquet").touch(), "would not write: part-99999.parquet"),
            (lambda folder: (folder / "manifest.json").unlink(), "has no manifest"),
            (lambda folder: (folder / "manifest.json").write_text("[]"), "a manifest that no run has written"),
            (lambda folder: (folder / "manifest.json").write_text("[" * 99_999), "a manifest that no run has written"),
        ],
        ids=["a part is gone", "a part is longer", "one more", "no manifest", "another manifest", "a deep one"],
    )
    def test_a_result_that_was_touched(self, mask, whole, tmp_path, happens, said):
        happens(tmp_path / "whole")
        with pytest.raises(DatasetError, match=said):
            mask("whole", resume=True)

    @pytest.mark.parametrize("fails", ["open", "read"])
    def test_what_cannot_be_read_is_told_without_the_words_of_the_store(self, fails):
        class Unreadable(io.BytesIO):
            def read(self, *_):
                raise PermissionError("planted")

        def opened(_):
            return Unreadable() if fails == "read" else Unreadable().read()

        target = FinishedTarget("s3://bucket/masked", {"manifest.json"}, opened, lambda: None)
        for act in (
            lambda: target.check_made_by("sha256:0", {}),
            lambda: target.create("manifest.json").write(b"x"),
        ):
            with pytest.raises(DatasetError, match=r"manifest\.json cannot be read: the store does not") as caught:
                act()
            assert "planted" not in "".join(traceback.format_exception(caught.value))
