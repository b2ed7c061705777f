"""Files of text that are compressed."""

from __future__ import annotations

import bz2
import gzip

import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError, UsageError
from maskgate.rules import read_rules


class TestCompressed:
    """The last suffix says how a file is compressed."""

    def test_it_is_read_and_written(self, read, written, keep, tmp_path):
        data = b"a,b\n1,x\n2,y\n"
        path = written(gzip.compress(data), "t.csv.gz")
        for name in ("o.csv", "o.csv.bz2", "o.csv.zst", "o.csv.lz4", "o.csv.gz"):
            mask_dataset(path, tmp_path / name, keep(["a", "b"]), table_name="t")
            assert read(str(tmp_path / name)).to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
        assert bz2.decompress((tmp_path / "o.csv.bz2").read_bytes()) == data
        assert gzip.decompress((tmp_path / "o.csv.gz").read_bytes()) == data

    def test_the_stem_names_the_table(self, written, keep, tmp_path):
        path = written(gzip.compress(b"a,b\n1,x\n"), "t.csv.gz")
        more = "version: 1\ntables: {t: {columns: {a: keep, b: keep}}, other: {columns: {c: keep}}}\n"
        assert mask_dataset(path, tmp_path / "o.csv", read_rules(more, "r")).table["table"] == "t"

    def test_another_compression_than_the_name_says_is_refused(self, read, written):
        with pytest.raises(DatasetError, match="not compressed as its name says"):
            read(written(b"a,b\n1,planted\n", "t.csv.gz"))

    @pytest.fixture
    def plain(self, written, keep):
        """Mask a file that is not compressed."""
        path = written(b"a,b\n1,x\n")
        return lambda target, layout: mask_dataset(path, target, keep(["a", "b"]), table_name="t", layout=layout)

    @pytest.mark.parametrize(
        ("name", "layout", "said"),
        [
            ("o.csv", Layout(compression="zstd"), r"says, here 'none', and 'zstd' was asked for\. .*\.zst for zstd"),
            ("o.csv.gz", Layout(compression="none"), "says, here 'gzip', and 'none' was asked for"),
            ("o.jsonl.gz", Layout(compression="gzip", compression_level=99), "'gzip' has levels from 1 to 9, and 99"),
            ("o.csv.bz2", Layout(compression_level=0), "'bz2' has levels from 1 to 9, and 0"),
            ("o.csv", Layout(compression_level=3), "'none' has no levels"),
        ],
    )
    def test_another_compression_than_the_name_says_is_not_written(self, plain, tmp_path, name, layout, said):
        with pytest.raises(UsageError, match=said):
            plain(tmp_path / name, layout)
        assert not (tmp_path / name).exists()

    def test_a_level_is_taken(self, written, keep, tmp_path):
        path = written(b"a,b\n" + b"".join(b"%d,x%d\n" % (each, each * each) for each in range(5000)))
        sizes = []
        for level in (1, 9):
            layout = Layout(compression="gzip", compression_level=level)
            mask_dataset(path, tmp_path / f"{level}.csv.gz", keep(["a", "b"]), table_name="t", layout=layout)
            sizes.append((tmp_path / f"{level}.csv.gz").stat().st_size)
        assert sizes[1] < sizes[0]

    def test_gzip_has_the_level_of_its_own_tool(self, written, keep, tmp_path):
        data = b"a,b\n" + b"".join(b"%d,%d\n" % (at, at * at % 977) for at in range(20_000))
        mask_dataset(written(data), tmp_path / "o.csv.gz", keep(["a", "b"]), table_name="t")
        mask_dataset(
            written(data), tmp_path / "six.csv.gz", keep(["a", "b"]), table_name="t", layout=Layout(compression_level=6)
        )
        assert (tmp_path / "o.csv.gz").read_bytes() == (tmp_path / "six.csv.gz").read_bytes()
