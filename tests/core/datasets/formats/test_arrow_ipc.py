from __future__ import annotations

import struct

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.datasets.sources import open_source
from maskgate.errors import DatasetError, UsageError
from maskgate.rules import read_rules

RULES = "version: 1\ntables: {t: {columns: {n: keep, s: {method: redact, with: '*'}, l: keep, k: keep}}}\n"
ROWS = 10


@pytest.fixture
def table():
    """A table of many batches."""
    lists = [[at] * (at % 3) for at in range(ROWS)]
    kinds = pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode()
    whole = pa.table({"n": range(ROWS), "s": ["planted"] * ROWS, "l": lists, "k": kinds}, metadata={"note": "planted"})
    return pa.Table.from_batches(whole.to_batches(max_chunksize=3))


@pytest.fixture
def write(tmp_path, table):
    """Write the table, as a file or as a stream."""

    def written(name):
        return write_table(table, tmp_path / name)

    return written


@pytest.fixture
def write_columns(tmp_path):
    """Write columns as they are, even where they are not valid."""

    def written(name, **columns):
        return write_table(pa.table(columns), tmp_path / name)

    return written


def write_table(table, path):
    new = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with new(path, table.schema) as writer:
        writer.write_table(table)
    return path


def read(path):
    source = pa.memory_map(str(path))
    reader = pa.ipc.open_stream(source) if str(path).endswith(".arrows") else pa.ipc.open_file(source)
    return reader.read_all()


class TestArrowIpc:
    """Files of Arrow, also called Feather, and streams are read and written."""

    @pytest.mark.parametrize("source", ["t.arrow", "t.feather", "t.ipc", "t.arrows"])
    @pytest.mark.parametrize("target", ["o.arrow", "o.arrows"])
    def test_what_arrow_reads(self, write, table, tmp_path, source, target):
        compression = {"t.arrow": "zstd", "t.feather": "lz4"}.get(source, "none")
        layout = Layout(row_group_rows=4, compression=compression)
        rules = read_rules(RULES, "rules.yaml")
        mask_dataset(write(source), tmp_path / target, rules, table_name="t", layout=layout)
        masked = read(tmp_path / target)
        assert masked.to_pylist() == [{**row, "s": "*"} for row in table.to_pylist()]
        assert masked.num_rows == ROWS
        assert masked.schema.field("k").type == pa.string()
        assert b"planted" not in (tmp_path / target).read_bytes()

    @pytest.mark.parametrize("target", ["o.arrow", "o.arrows"])
    def test_no_rows(self, table, tmp_path, target):
        with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
            writer.write_table(table.slice(0, 0))
        mask_dataset(tmp_path / "t.arrow", tmp_path / target, read_rules(RULES, "rules.yaml"), table_name="t")
        assert read(tmp_path / target).num_rows == 0

    @pytest.mark.parametrize("target", ["o.arrow", "o.arrows"])
    @pytest.mark.parametrize("rows", [0, 3])
    def test_what_no_other_format_holds(self, tmp_path, target, rows):
        union = pa.UnionArray.from_sparse(
            pa.array([0, 1, 0], pa.int8()), [pa.array([1, None, 3]), pa.array(list("abc"))]
        )
        took = pa.array([(1, 2, 3), None, (4, 5, 6)], pa.month_day_nano_interval())
        table = pa.table({"u": union, "m": took, "d": pa.array([1, None, 3], pa.duration("ns"))}).slice(0, rows)
        with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
            writer.write_table(table)
        rules = read_rules("version: 1\ntables: {t: {columns: {u: keep, m: keep, d: keep}}}\n", "rules.yaml")
        mask_dataset(tmp_path / "t.arrow", tmp_path / target, rules, table_name="t")
        assert read(tmp_path / target).to_pylist() == table.to_pylist()

    def test_batches_of_a_file_can_be_read_alone(self, write, tmp_path):
        layout = Layout(row_group_rows=4)
        mask_dataset(write("t.arrow"), tmp_path / "o.arrow", read_rules(RULES, "r"), table_name="t", layout=layout)
        reader = pa.ipc.open_file(tmp_path / "o.arrow")
        assert [reader.get_batch(at).num_rows for at in range(reader.num_record_batches)] == [4, 4, 2]

    @pytest.mark.parametrize("name", ["t.arrow", "t.arrows"])
    def test_a_damaged_file_is_named_and_not_quoted(self, write, tmp_path, name):
        path = write(name)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 3])
        with pytest.raises(DatasetError, match=name) as caught:
            list(open_source("t", str(path)).batches())
        assert "planted" not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "other", "said"),
        [
            ("t.arrows", "o.arrow", "source_format='arrow-stream'"),
            ("t.arrow", "o.arrows", "source_format='arrow'"),
            (None, "o.feather", "Feather's first version"),
        ],
    )
    def test_what_it_may_be_instead_is_said(self, write, tmp_path, name, other, said):
        (tmp_path / other).write_bytes(b"FEA1" + bytes(100) if name is None else write(name).read_bytes())
        with pytest.raises(DatasetError, match=said):
            open_source("t", str(tmp_path / other))

    @pytest.mark.parametrize("name", ["t.arrow", "t.arrows"])
    @pytest.mark.parametrize("column", ["lists", "views", "json"])
    def test_what_points_anywhere_is_refused_before_arrow_follows(self, write_columns, tmp_path, name, column):
        """Such a file once ended the whole process."""
        texts = pa.array(["planted"] * 3)
        offsets, views = np.array([0, 1 << 30, 2, 3], np.int32), np.zeros((3, 4), np.int32)
        views[1] = [-(2**31), 0, 77, 5]
        columns = {
            "lists": pa.Array.from_buffers(
                pa.list_(texts.type), 3, [None, pa.py_buffer(offsets.tobytes())], children=[texts]
            ),
            "views": pa.Array.from_buffers(
                pa.string_view(), 3, [pa.py_buffer(b"\x05"), pa.py_buffer(views.tobytes())], null_count=1
            ),
        }
        columns["json"] = pa.ExtensionArray.from_storage(pa.json_(pa.string_view()), columns["views"])
        rules = read_rules("version: 1\ntables: {t: {columns: {x: keep}}}\n", "r")
        with pytest.raises(DatasetError, match=r"t\.arrows?(, batches 0 to 0)?: it is damaged"):
            mask_dataset(
                write_columns(name, x=columns[column]),
                tmp_path / "o.arrow",
                rules,
                table_name="t",
                layout=Layout(row_group_rows=1),
            )

    def test_a_buffer_that_is_too_short(self, write_columns, tmp_path):
        path = write_columns("t.arrow", x=pa.array([1, None, *range(7)]))
        bitmap, data = struct.pack("<qq", 0, 2), struct.pack("<q", 8)
        assert bitmap + data in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(bitmap + data, struct.pack("<qq", 0, 0) + data))
        rules = read_rules("version: 1\ntables: {t: {columns: {x: keep}}}\n", "r")
        with pytest.raises(DatasetError, match=r"t\.arrow, batches 0 to 0: it is damaged"):
            mask_dataset(path, tmp_path / "o.arrow", rules, table_name="t")

    @pytest.mark.parametrize("target", ["o.parquet", "o.arrow", "o.jsonl"])
    def test_categories_as_polars_writes_them(self, tmp_path, target):
        """Their entries are views, which Arrow writes into no Parquet file."""
        frame = pl.DataFrame({"x": pl.Series(["a", "b", None, "a"], dtype=pl.Categorical)})
        frame.write_ipc(tmp_path / "t.arrow")
        rules = read_rules("version: 1\ntables: {t: {columns: {x: keep}}}\n", "r")
        for at, source in enumerate([tmp_path / "t.arrow", frame]):
            mask_dataset(source, tmp_path / f"{at}{target}", rules, table_name="t")
            batches = open_source("t", str(tmp_path / f"{at}{target}")).batches()
            assert [cell for batch in batches for cell in batch["x"].to_pylist()] == frame["x"].to_list()

    def test_a_name_inside_that_is_no_text(self, write_columns):
        path = write_columns("t.arrow", x=pa.array([{"planted": 1}]))
        path.write_bytes(path.read_bytes().replace(b"planted", b"\xfflanted"))
        with pytest.raises(DatasetError, match=r"t\.arrow: it is no Arrow file, or a damaged one"):
            open_source("t", str(path))

    def test_a_compression_that_is_not_there(self, write, tmp_path):
        with pytest.raises(UsageError, match="no compression 'snappy'"):
            mask_dataset(
                write("t.arrow"),
                tmp_path / "o.arrow",
                read_rules(RULES, "r"),
                table_name="t",
                layout=Layout(compression="snappy"),
            )
