"""How row groups of many columns are read: in strips, and as if they were read at once."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets.feeding import stretches
from maskgate.datasets.formats import parquet_strips
from maskgate.datasets.formats.parquet_strips import Strips
from maskgate.datasets.moving import spill
from maskgate.datasets.sources import open_source
from maskgate.errors import DatasetError

ROWS = 1000
TABLE = pa.table(
    {
        "n": range(ROWS),
        "a": [f"a{at}" if at % 7 else None for at in range(ROWS)],
        "s": [{"x": at, "a.b": [str(at)] * (at % 3)} for at in range(ROWS)],
        "s.x": [f"point{at}" for at in range(ROWS)],
        "few": pa.array(["x", "y", None, "z"] * (ROWS // 4)).dictionary_encode(),
        "map": pa.array([[("k", at)] for at in range(ROWS)], pa.map_(pa.string(), pa.int64())),
        "pair": pa.array([[at, at] for at in range(ROWS)], pa.list_(pa.int32(), 2)),
        "none": pa.nulls(ROWS),
    }
)


@pytest.fixture(params=[1 << 20, 20_000, 0], ids=["held", "some of it kept in a file", "kept in a file"])
def narrow(request, monkeypatch):
    """Make any table one of too many columns."""
    monkeypatch.setattr(parquet_strips, "_AT_ONCE_BYTES", 0)
    monkeypatch.setattr(parquet_strips, "_STRIP_BYTES", 1)
    monkeypatch.setattr(parquet_strips, "_HELD_BYTES", request.param)


@pytest.fixture
def path(tmp_path):
    pq.write_table(TABLE, tmp_path / "t.parquet", row_group_size=400, compression="zstd")
    return tmp_path / "t.parquet"


def read(path, most=150, **options):
    source = open_source("t", str(path))
    return pa.Table.from_batches([each.batch() for each in stretches(source, most, **options)])


@pytest.mark.usefixtures("narrow")
class TestStrips:
    """Columns that are read apart are the same rows as ever."""

    def test_every_column_is_a_strip_of_its_own(self, path):
        parquet = pq.ParquetFile(path)
        leaves = Strips.of(parquet, [0, 1, 2], None, 1 << 20).leaves
        assert leaves == ((0,), (1,), (2, 3), (4,), (5,), (6, 7), (8,), (9,))

    def test_all_rows_in_order(self, path):
        plain = pq.read_table(path)
        assert read(path).cast(plain.schema) == plain

    def test_from_any_row_on(self, path):
        assert read(path, skip=555)["n"].to_pylist() == [*range(555, ROWS)]

    def test_some_columns(self, path):
        # By their names, and a field of another column may be called the same.
        found = [*open_source("t", str(path)).batches(["s.x", "few"])]
        whole = pa.Table.from_batches(found)
        assert whole.column_names == ["s.x", "few"]
        assert whole["s.x"].to_pylist() == TABLE["s.x"].to_pylist()

    def test_columns_behind_a_dictionary(self, path):
        plain = pa.table({"few": TABLE["few"].cast(pa.string()), "n": TABLE["n"]})
        pq.write_table(plain, path, row_group_size=400)
        encoded = open_source("t", str(path)).as_dictionaries(["few"])
        whole = pa.Table.from_batches([batch.cast(encoded.schema) for batch in encoded.batches()])
        assert whole["few"].type == pa.dictionary(pa.int32(), pa.string())
        assert whole["few"].to_pylist() == TABLE["few"].to_pylist()

    def test_a_damaged_row_group_is_named(self, path):
        data = bytearray(path.read_bytes())
        chunk = pq.ParquetFile(path).metadata.row_group(1).column(1)
        at = chunk.dictionary_page_offset + chunk.total_compressed_size // 3
        data[at : at + 20] = bytes(20)
        path.write_bytes(data)
        with pytest.raises(DatasetError, match=r"t\.parquet, row group 1: it is damaged"):
            read(path)

    def test_no_file_is_left(self, path, tmp_path, monkeypatch):
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr(spill.tempfile, "tempdir", str(tmp_path / "temporary"))
        read(path)
        assert not [*(tmp_path / "temporary").iterdir()]


class TestWithoutRoom:
    """What does not fit is said, and of what."""

    def test_a_full_folder(self, path, monkeypatch):
        for name, value in {"_AT_ONCE_BYTES": 0, "_STRIP_BYTES": 1, "_HELD_BYTES": 0}.items():
            monkeypatch.setattr(parquet_strips, name, value)
        monkeypatch.setattr(spill.tempfile, "tempdir", "/nowhere")
        with pytest.raises(DatasetError, match="the columns of a wide row group do not fit into /nowhere"):
            read(path)


class TestUsual:
    """What is not wide is read at once."""

    def test_a_table_of_a_hundred_columns_with_small_pages(self, tmp_path):
        pq.write_table(pa.table({f"c{at}": range(1000) for at in range(100)}), tmp_path / "t.parquet")
        assert Strips.of(pq.ParquetFile(tmp_path / "t.parquet"), [0], None, 1 << 20).leaves == ()
