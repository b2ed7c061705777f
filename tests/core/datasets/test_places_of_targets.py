from __future__ import annotations

import errno
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import DatasetError, UsageError
from maskgate.rules import read_rules

RULES = read_rules("version: 1\ntables: {people: {columns: {id: keep}}}", "r")


class TestPlaceOfTheTarget:
    """A target that the source would take in, or that cannot be replaced, is refused before anything is written."""

    @pytest.fixture
    def raw(self, tmp_path):
        (tmp_path / "raw").mkdir()
        pq.write_table(pa.table({"id": range(10)}), tmp_path / "raw" / "people.parquet")
        return tmp_path / "raw"

    @pytest.mark.parametrize(
        ("pattern", "target"),
        [
            ("*.parquet", "masked.parquet"),
            ("**/*.parquet", "masked"),
            ("**", "masked"),
            ("**/m*/*", "masked"),
            ("[a-z]*", "masked.csv"),
            ("[!x]*", "a.arrow"),
        ],
    )
    def test_a_pattern_that_finds_it(self, raw, pattern, target):
        with pytest.raises(UsageError, match="the pattern of what is masked finds"):
            mask_dataset(str(raw / pattern), raw / target, RULES, table_name="people")
        assert [each.name for each in raw.iterdir()] == ["people.parquet"]

    @pytest.mark.parametrize(
        ("pattern", "target"),
        [("*.parquet", "masked"), ("*.parquet", "m.csv"), ("p*", "m.parquet"), ("**/pe*.parquet", "people")],
    )
    def test_a_pattern_that_does_not(self, raw, pattern, target):
        assert mask_dataset(str(raw / pattern), raw / target, RULES, table_name="people").report.rows == 10

    def test_the_working_directory(self, raw, tmp_path, monkeypatch):
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        with pytest.raises(DatasetError, match="cannot be replaced as a whole, since it is the working directory"):
            mask_dataset(raw / "people.parquet", ".", RULES)

    @pytest.mark.parametrize(
        ("closed", "said"),
        [("masked", "nothing may be written into this folder"), (".", "since nothing can be written beside it")],
    )
    def test_an_empty_folder_that_this_account_may_not_replace(self, raw, tmp_path, monkeypatch, closed, said):
        """Tests may run as an account that may do anything, which the system is made not to say here."""
        (tmp_path / "masked").mkdir()
        monkeypatch.setattr("os.access", lambda path, _: path != tmp_path / closed)
        with pytest.raises(DatasetError, match=said):
            mask_dataset(raw / "people.parquet", tmp_path / "masked", RULES)

    @pytest.mark.parametrize("target", ["", "a\0b"])
    def test_no_path(self, target):
        with pytest.raises(UsageError, match="the target is no path and no URI"):
            mask_dataset(pa.table({"id": [1]}), target, RULES)

    @pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
    def test_a_filesystem_without_links(self, raw, tmp_path, monkeypatch, number):
        def no_link(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.link", no_link)
        mask_dataset(raw / "people.parquet", tmp_path / "masked.parquet", RULES)
        assert pq.read_table(tmp_path / "masked.parquet").num_rows == 10
        assert {each.name for each in tmp_path.iterdir()} == {"raw", "masked.parquet"}

    @pytest.mark.parametrize("number", [errno.EPERM, errno.EEXIST])
    def test_what_appears_meanwhile_is_not_replaced(self, raw, tmp_path, monkeypatch, number):
        def appears(*_):
            (tmp_path / "masked.parquet").write_bytes(b"theirs")
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.link", appears)
        with pytest.raises(DatasetError, match="it exists already"):
            mask_dataset(raw / "people.parquet", tmp_path / "masked.parquet", RULES)
        assert (tmp_path / "masked.parquet").read_bytes() == b"theirs"

    def test_a_source_that_is_a_link_to_itself(self, raw):
        (raw / "loop").symlink_to("loop")
        with pytest.raises(DatasetError, match="loop: "):
            mask_dataset(raw / "loop", raw / "masked", RULES, table_name="people")

    def test_below_a_file(self, raw):
        with pytest.raises(DatasetError, match=r"it cannot be written: .*people\.parquet is no folder"):
            mask_dataset(pa.table({"id": [1]}), raw / "people.parquet" / "masked", RULES)

    def test_an_empty_folder_keeps_its_mode(self, raw, tmp_path):
        (tmp_path / "masked").mkdir(mode=0o700)
        mask_dataset(raw / "people.parquet", tmp_path / "masked", RULES)
        assert (tmp_path / "masked").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "masked" / "manifest.json").exists()
