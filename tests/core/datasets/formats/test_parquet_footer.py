from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets.formats import format_called
from maskgate.datasets.layout import Layout
from maskgate.errors import UsageError

PARQUET = format_called("parquet")
TABLE = pa.table(
    {
        "id": pa.array(range(1000)),
        "name": [None if at % 7 == 0 else f"name {at % 10}" for at in range(1000)],
        "score": [at / 3 for at in range(1000)],
        "tags": [[f"t{at % 3}"] * (at % 4) for at in range(1000)],
        "where": [{"city": "Graz", "zip": at} for at in range(1000)],
        "raw": pa.array([bytes([at % 256]) * 40 for at in range(1000)]),
        "flag": [at % 2 == 0 for at in range(1000)],
    }
)


def assembled(tables, layout=None, schema=None):
    encoder = PARQUET.encoder(schema or tables[0].schema, layout or Layout())
    assembly = encoder.assembly()
    out = io.BytesIO()
    out.write(assembly.begin())
    for table in tables:
        for data in assembly.add(encoder.encode(table.to_batches())):
            out.write(data)
    out.write(assembly.end())
    return out.getvalue()


class TestRowGroups:
    """Row groups that were encoded one by one are one file, as if one writer had written it."""

    @pytest.mark.parametrize("count", [1, 2, 14, 15, 16, 200])
    def test_all_rows_are_there_in_order(self, count):
        edges = np.linspace(0, 1000, count + 1).astype(int)
        parts = [TABLE.slice(start, stop - start) for start, stop in pairwise(edges)]
        written = pq.ParquetFile(io.BytesIO(assembled(parts)), page_checksum_verification=True)
        assert written.metadata.num_row_groups == count
        assert written.metadata.num_rows == 1000
        assert written.read() == TABLE
        for at, part in enumerate(parts):
            assert written.read_row_group(at) == part

    def test_each_place_lies_behind_the_one_before(self):
        content = assembled([TABLE.slice(0, 500), TABLE.slice(500)])
        metadata = pq.ParquetFile(io.BytesIO(content)).metadata
        chunks = [metadata.row_group(group).column(at) for group in range(2) for at in range(metadata.num_columns)]
        at = 4
        for chunk in chunks:
            start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            assert start == at
            at += chunk.total_compressed_size
        assert at == len(content) - 8 - int.from_bytes(content[-8:-4], "little")

    def test_statistics_stay_with_their_row_group(self):
        metadata = pq.ParquetFile(io.BytesIO(assembled([TABLE.slice(0, 500), TABLE.slice(500)]))).metadata
        assert [metadata.row_group(at).column(0).statistics.max for at in range(2)] == [499, 999]

    def test_one_row_group_is_what_a_writer_writes(self):
        without_repeats = TABLE.select(["id", "score"])
        plain = io.BytesIO()
        pq.write_table(without_repeats, plain, compression="zstd", compression_level=3, use_dictionary=False)
        assert assembled([without_repeats], Layout(encodings="plain")) == plain.getvalue()

    def test_no_rows_are_a_file_too(self):
        assert pq.read_table(io.BytesIO(assembled([], schema=TABLE.schema))) == TABLE.slice(0, 0)

    def test_a_row_group_may_come_in_several_batches(self):
        batches = pa.Table.from_batches(TABLE.to_batches(max_chunksize=300))
        written = pq.ParquetFile(io.BytesIO(assembled([batches])))
        assert (written.metadata.num_row_groups, written.read()) == (1, TABLE)


class TestLayout:
    """Codec and level are the user's choice; a dictionary is made where it pays."""

    @pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "brotli", "lz4", "none"])
    def test_codecs(self, codec):
        written = pq.ParquetFile(io.BytesIO(assembled([TABLE], Layout(compression=codec))))
        assert written.metadata.row_group(0).column(0).compression.lower() in {codec, f"{codec}_raw", "uncompressed"}
        assert written.read() == TABLE

    def test_levels(self):
        text = pa.table({"text": [f"{at * 7919 % 100_003} and more of the same {at % 13}" for at in range(20_000)]})
        low, high = (len(assembled([text], Layout(compression="zstd", compression_level=level))) for level in (1, 19))
        assert high < low

    @pytest.mark.parametrize(
        ("layout", "said"),
        [
            pytest.param(Layout(compression="zip"), "no compression 'zip'. Did you mean 'gzip'", id="no such codec"),
            pytest.param(Layout(compression="zstd", compression_level=99), "levels from", id="no such level"),
            pytest.param(Layout(compression="snappy", compression_level=1), "no levels", id="no levels at all"),
        ],
    )
    def test_what_there_is_not_is_refused(self, layout, said):
        with pytest.raises(UsageError, match=said):
            PARQUET.encoder(TABLE.schema, layout)

    def test_a_dictionary_is_made_where_cells_repeat(self):
        metadata = pq.ParquetFile(io.BytesIO(assembled([TABLE]))).metadata.row_group(0)
        has = {metadata.column(at).path_in_schema: metadata.column(at).has_dictionary_page for at in range(8)}
        assert has["name"]
        assert not has["id"]
        assert not has["score"]
