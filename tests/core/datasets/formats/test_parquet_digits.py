from __future__ import annotations

import io
import random

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets.formats import format_called
from maskgate.datasets.formats.zstd_digits import DigitFrames, read_digits
from maskgate.datasets.layout import Layout

PARQUET = format_called("parquet")
COMPACT = "DELTA_LENGTH_BYTE_ARRAY"


def tokens(count, length=32, nulls=0.0):
    chance = random.Random(f"{count} {length}")
    return [None if chance.random() < nulls else chance.randbytes(length).hex()[:length] for _ in range(count)]


def written(batches, layout=None, schema=None):
    encoder = PARQUET.encoder(schema or batches[0].schema, layout or Layout())
    assembly, out = encoder.assembly(), io.BytesIO()
    out.write(assembly.begin())
    segment = encoder.encode(batches)
    assert segment.size == sum(out.write(data) for data in assembly.add(segment))
    out.write(assembly.end())
    return out.getvalue()


def batch(values, kind=None):
    return pa.record_batch({"at": range(len(values)), "a.b": pa.array(values, kind or pa.string())})


def chunk(content):
    return pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).column(1)


class TestDigits:
    """Columns of random hexadecimal digits are written without Arrow, and read by everybody."""

    @pytest.mark.parametrize("length", [9, 22, 31, 32, 64, 1000])
    @pytest.mark.parametrize("count", [1024, 4096, 5003])
    @pytest.mark.parametrize("nulls", [0, 0.3])
    def test_what_is_read_is_what_was_written(self, count, length, nulls):
        rows = batch(tokens(count, length, nulls))
        content = written([rows])
        assert pq.read_table(io.BytesIO(content)) == pa.table(rows)
        assert COMPACT in chunk(content).encodings

    @pytest.mark.parametrize("nulls", [0, 0.3])
    def test_polars_and_duckdb_read_it(self, tmp_path, nulls):
        values, path = tokens(9000, nulls=nulls), tmp_path / "t.parquet"
        path.write_bytes(written([batch(values)]))
        assert pl.read_parquet(path)["a.b"].to_list() == values
        assert [row[0] for row in duckdb.sql(f"SELECT \"a.b\" FROM '{path}'").fetchall()] == values

    def test_several_batches_slices_and_large_offsets(self):
        whole = batch(tokens(9000, nulls=0.1), pa.large_string())
        parts = [whole.slice(7, 3000), whole.slice(3007, 1), whole.slice(3008)]
        content = written(parts)
        assert pq.read_table(io.BytesIO(content))["a.b"].to_pylist() == whole["a.b"].to_pylist()[7:]
        assert chunk(content).num_values == len(whole) - 7

    def test_columns_that_may_not_be_null(self):
        rows = batch(tokens(5000))
        schema = pa.schema([item.with_nullable(False) for item in rows.schema])  # noqa: FBT003
        rows = pa.record_batch(rows.columns, schema=schema)
        assert pq.read_table(io.BytesIO(written([rows]))) == pa.table(rows)

    def test_a_digit_takes_half_a_byte(self):
        found = chunk(written([batch(tokens(20_000))]))
        assert found.total_compressed_size < 20_000 * 16 * 1.01
        assert found.total_uncompressed_size > 20_000 * 32

    def test_nulls_are_counted_and_random_bounds_left_out(self):
        values = tokens(5000, nulls=0.2)
        statistics = chunk(written([batch(values)])).statistics
        assert (statistics.null_count, statistics.has_min_max) == (values.count(None), False)

    @pytest.mark.parametrize("odd", ["A", "g", "`", "/", ":", "\x00", "é"])
    @pytest.mark.parametrize("at", [0, 1, 4000, -1])
    def test_whatever_is_no_digit_is_seen(self, odd, at):
        values = tokens(5003)
        values[at] = (values[at] + odd)[-len(values[at]) :] if len(odd.encode()) == 1 else values[at][:-2] + odd
        assert pq.read_table(io.BytesIO(written([batch(values)])))["a.b"].to_pylist() == values

    def test_every_other_byte_is_told_from_a_digit(self):
        for byte in range(256):
            for text in (bytes([byte, 0x30]), bytes([0x61, byte])):
                found = read_digits(np.frombuffer(text, np.uint8))
                expected = bytes.fromhex(text.decode()) if byte in b"0123456789abcdef" else None
                assert (None if found is None else found.tobytes()) == expected

    def test_lengths_that_differ(self):
        values = [*tokens(3000), *tokens(3000, 30), *tokens(1, 34) * 3000]
        assert pq.read_table(io.BytesIO(written([batch(values)])))["a.b"].to_pylist() == values

    def test_digits_that_are_not_random_are_compressed(self):
        values = [f"{at:032x}" for at in range(20_000)]
        content = written([batch(values)])
        assert pq.read_table(io.BytesIO(content))["a.b"].to_pylist() == values
        assert chunk(content).total_compressed_size < 20_000 * 8

    @pytest.mark.parametrize("layout", [Layout(compression="snappy"), Layout(encodings="plain")])
    def test_other_layouts_are_kept(self, layout):
        content = written([batch(tokens(5000))], layout)
        assert chunk(content).compression == ("SNAPPY" if layout.compression == "snappy" else "ZSTD")
        assert (COMPACT in chunk(content).encodings) == (layout.encodings == "compact")


class TestFrames:
    """A frame is one that zstd decompresses, to its last byte."""

    @pytest.mark.parametrize("count", [0, 8, 1000, 1024, 1031, 131_072])
    @pytest.mark.parametrize("zeros", [0, 5000])
    def test_zstd_reads_it(self, count, zeros):
        frames = DigitFrames(b"head", zeros, count)
        text = np.frombuffer("".join(tokens(count // 8 + 1, 8))[:count].encode(), np.uint8)
        out = np.empty((1, frames.size), np.uint8)
        frames.write(out, read_digits(text[: frames.coded]), text[frames.coded :])
        expected = b"head" + bytes(zeros) + text.tobytes()
        assert pa.Codec("zstd").decompress(out.tobytes(), len(expected), asbytes=True) == expected
        assert frames.content == len(expected)
