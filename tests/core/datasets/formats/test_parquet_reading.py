"""How Parquet files are read: from any row on, and with the row groups that rows stand in."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets.feeding import stretches
from maskgate.datasets.sources import open_source

SIZES = (3, 0, 0, 2, 1, 0)
ROWS = sum(SIZES)


@pytest.fixture
def source(tmp_path):
    """A file of six row groups, of which three have no rows."""
    path, at = tmp_path / "people.parquet", 0
    schema = pa.schema({"x": pa.int64(), "city": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for size in SIZES:
            rows = range(at, at + size)
            writer.write_table(pa.table({"x": rows, "city": [f"c{row % 2}" for row in rows]}, schema))
            at += size
    return open_source("people", str(path))


class TestRowGroups:
    """One read gives all rows of a file on a disk, and each batch is known by its row groups."""

    def test_a_file_is_one_piece(self, source):
        assert [(piece.start, piece.stop, piece.rows) for piece in source.pieces] == [(0, len(SIZES), ROWS)]

    @pytest.mark.parametrize("skip", range(ROWS + 1))
    @pytest.mark.parametrize("most", [1, 2, 5])
    def test_reading_from_any_row_on(self, source, skip, most):
        found = [(each.start, each.batch().column("x").to_pylist()) for each in stretches(source, most, skip=skip)]
        assert found == [(at, [*range(ROWS)][at : at + most]) for at in range(skip, ROWS, most)]

    @pytest.mark.parametrize(
        ("start", "rows", "shown"),
        [
            (0, 3, "row group 0"),
            (0, 4, "row groups 0 to 3"),
            (2, 1, "row group 0"),
            (3, 2, "row group 3"),
            (4, 2, "row groups 3 to 4"),
            (0, 0, "row group 0"),
            (3, 0, "row group 3"),
            (ROWS, 0, "row group 5"),
        ],
    )
    def test_what_rows_are_called(self, source, start, rows, shown):
        assert source.pieces[0].around(start, rows).shown.endswith(f"people.parquet, {shown}")

    def test_what_is_left_keeps_its_names(self, source):
        left, rows = source.pieces[0].behind(4)
        assert (left.start, left.rows, rows) == (3, 3, 1)
        assert left.around(2, 1).shown.endswith("row group 4")
