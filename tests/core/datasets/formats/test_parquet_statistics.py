from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets.formats import format_called
from maskgate.datasets.layout import Layout

PARQUET = format_called("parquet")
COUNT = 10_000


def encoded(entries, codes=None, kind=None):
    codes = [at % max(1, len(entries)) for at in range(COUNT)] if codes is None else codes
    column = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(entries, kind or pa.string()))
    return pa.record_batch({"list": [[at] for at in range(len(codes))], "x": column, "y": range(len(codes))})


def written(*batches, schema=None):
    plain = [item.with_type(getattr(item.type, "value_type", item.type)) for item in batches[0].schema]
    plain[0] = batches[0].schema.field("list")
    encoder = PARQUET.encoder(schema or pa.schema(plain), Layout())
    assembly, out = encoder.assembly(), io.BytesIO()
    out.write(assembly.begin())
    for data in assembly.add(encoder.encode(batches)):
        out.write(data)
    out.write(assembly.end())
    return out


def arrows(*batches):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_batches(batches).unify_dictionaries(), out, store_schema=False)
    return out


def told(content):
    group = pq.ParquetFile(content).metadata.row_group(0)
    found = [group.column(at).statistics.to_dict() for at in range(group.num_columns)]
    return [{name: each[name] for name in ("has_min_max", "min", "max", "null_count")} for each in found]


class TestStatistics:
    """Statistics of columns behind a dictionary are those that Arrow would have found, and values those of the rows."""

    @pytest.mark.parametrize(
        "batches",
        [
            pytest.param([encoded(["b", "a", "c"])], id="texts"),
            pytest.param([encoded(["Zürich", "", "zurich", "😀"])], id="of several bytes"),
            pytest.param([encoded(["b", "a"], [None, 0, 1, None] * 2500)], id="with nulls"),
            pytest.param([encoded([], [None] * COUNT)], id="nulls alone"),
            pytest.param([encoded([b"\xff", b"\x00"], kind=pa.binary())], id="bytes"),
            pytest.param([encoded(["c", "b"]), encoded(["d", "a"])], id="several batches"),
            pytest.param([encoded(["a", "b", "z"], [0, 1] * 5000)], id="an entry that no row uses"),
            pytest.param([encoded(["a", "b", "c"]).slice(0, 9999)], id="a slice"),
            pytest.param([encoded([3, 1, 2], kind=pa.int64())], id="numbers"),
        ],
    )
    def test_they_are_those_of_arrow(self, batches):
        content = written(*batches)
        assert told(content) == told(arrows(*batches))
        rows = pa.Table.from_batches(batches)
        assert pq.read_table(content).to_pylist() == rows.to_pylist()

    def test_long_values_are_left_out(self):
        found = told(written(encoded(["a" * 5000, "b"])))[1]
        assert (found["has_min_max"], found["null_count"]) == (False, 0)
