from __future__ import annotations

import json

import fsspec
import pyarrow as pa
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import DatasetError
from maskgate.rules import read_rules

RULES = read_rules("version: 1\ntables: {people: {columns: {id: keep}}}", "r")


class TestListedFiles:
    """A folder that a run has written is read as its manifest says, and one that a run has not finished is not."""

    @pytest.fixture(params=["local", "memory"])
    def folder(self, request, tmp_path):
        uri = str(tmp_path / "once") if request.param == "local" else "memory://listed/once"
        mask_dataset(pa.table({"id": range(10)}), uri, RULES)
        store, path = fsspec.url_to_fs(uri)
        yield uri, store, path
        store.rm(path, recursive=True)

    def again(self, uri, tmp_path):
        return mask_dataset(uri, tmp_path / "again.parquet", RULES, table_name="people")

    def test_it_is_read(self, folder, tmp_path):
        assert self.again(folder[0], tmp_path).report.rows == 10

    @pytest.mark.parametrize(
        ("happens", "said"),
        [
            (lambda store, path: store.copy(f"{path}/part-00000.parquet", f"{path}/x.parquet"), "x.parquet is not in"),
            (
                lambda store, path: (
                    store.mkdir(f"{path}/mail=planted"),
                    store.copy(f"{path}/part-00000.parquet", f"{path}/mail=planted/x.parquet"),
                ),
                "mail=…/x.parquet is not in",
            ),
            (lambda store, path: store.rm(f"{path}/part-00000.parquet"), "part-00000.parquet is in the manifest there"),
            (
                lambda store, path: store.pipe(f"{path}/part-00000.parquet", b"PAR1"),
                "part-00000.parquet is not as long",
            ),
        ],
        ids=["one more", "one more in a partition", "one is gone", "one is shorter"],
    )
    def test_what_the_manifest_does_not_say_is_refused(self, folder, tmp_path, happens, said):
        uri, store, path = folder
        happens(store, path)
        with pytest.raises(DatasetError, match=said) as caught:
            self.again(uri, tmp_path)
        assert "planted" not in str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [
            b"{}",
            b"[]",
            b"x",
            json.dumps({"format": "theirs", "tables": 1}).encode(),
            pytest.param(b"[" * 99_999, id="deep"),
        ],
    )
    def test_the_manifest_of_somebody_else_says_nothing(self, folder, tmp_path, content):
        uri, store, path = folder
        store.pipe(f"{path}/manifest.json", content)
        assert self.again(uri, tmp_path).report.rows == 10

    def test_a_prefix_that_is_not_finished_is_refused(self, tmp_path):
        store = fsspec.filesystem("memory")
        store.pipe({"/unfinished/_maskgate/000000.json": b"{}", "/unfinished/part-00000.parquet": b"PAR1"})
        with pytest.raises(DatasetError, match="a run is writing there, or was interrupted"):
            self.again("memory://unfinished", tmp_path)
