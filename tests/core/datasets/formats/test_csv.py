from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.sources import open_source
from maskgate.errors import UsageError
from maskgate.masking import mask_table
from maskgate.rules import read_rules


def types(path, **options):
    return [str(kind) for kind in open_source("t", path, options=options).schema.types]


class TestCsv:
    """What is kept comes out as it stood in the file, byte for byte."""

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"a,b\n", id="no rows"),
            pytest.param(b"a,b,day\n1,x,2024-01-31\n2,,2024-02-01\n", id="numbers, texts and days"),
            pytest.param(
                b'a;b;zip\r\n1;x y;007\r\n22;"q;""z";01234\r\n', id="semicolons, quotes, zeros, Windows' lines"
            ),
            pytest.param(b'"a","b"\n"1","x"\n"2",""\n', id="everything quoted"),
            pytest.param(b'"a","b"\n1,"x"\n,"y"\n', id="texts quoted"),
            pytest.param(b'a,b\n1,"x\ny"\n2,""\n,\n', id="a line inside of a cell, an empty text, nulls"),
            pytest.param(b"id,n\n12345678901234567890,1.50\n1,2.25\n", id="long numbers and trailing zeros"),
            pytest.param(b"a,t\n1,2024-01-01T10:00:00Z\n2,2024-01-01T11:00:00Z\n", id="moments of ISO 8601"),
            pytest.param(b"t,u\n2024-01-01 10:00:00.250,2024-01-01T10:00:00\n", id="two ways of writing moments"),
            pytest.param(b"a\nx\n\ny\n", id="one column with a null"),
            pytest.param(b"a,f\ntrue,1.5\nfalse,0.25\n", id="booleans and numbers"),
            pytest.param(b"\xef\xbb\xbfa\tb\n+1\t1e5\n", id="a byte order mark, tabs, a plus, an exponent"),
            pytest.param("a|b\nKöln|ß\n".encode(), id="characters beyond ASCII"),
            pytest.param(b"a,b\n1," + b"x" * 9_000_000 + b"\n2,y\n", id="a cell of 9 MB"),
            pytest.param(b"a,b\n1," + b"x" * 200_000 + b"\n", id="a single row with a cell of 200 KB"),
            pytest.param(b'"a";"b"\n1;"' + b"x" * 2_000_000 + b'"\n', id="a quoted cell of 2 MB"),
            pytest.param(
                b'"a","b"\n' + b'1,"' + b"x" * 90_000 + b'"\n' + (b'2,"' + b"y" * 90_000 + b'"\n') * 20,
                id="texts quoted, rows of 90 KB",
            ),
            pytest.param(
                b'a,b\n"\nz","' + b"\n" * 1_200_000 + b'"\nx,y\n', id="a first row of 1.2 MB that goes over many lines"
            ),
            pytest.param(b"a\0b,c\nx,1\ny,2\n", id="a name with a NUL"),
            pytest.param(b"a,b\n-0,-0.0\n00,1.0\n", id="two zeros"),
            pytest.param(b"a,b\r1,x\r2,y\r", id="lines of old Macintoshes"),
            pytest.param(b'"a\nb",c\r\n1,2\r\n', id="a line inside of a name, Windows' lines"),
            pytest.param(b",a,b\n0,1,x\n1,2,y\n", id="a column without a name, as pandas writes its index"),
            pytest.param(b'"","a"\n"1",1\n"2",2\n', id="a column without a name, as R writes its rows"),
            pytest.param(b'"a","b"\n1,x\n2,y\n', id="names quoted, and nothing else"),
            pytest.param(b'a,b,c\n1,"x",2\n,"y",\n', id="texts quoted, and no names"),
            pytest.param(b'a,b,c\n1,"12",x\n2,"13",y\n3,,z\n', id="numbers of one column quoted"),
            pytest.param(b'a,b\n1,"ends ""so""\n"\n', id="a last cell that ends in quotes and a line"),
            pytest.param(b'a,b\n1,""""\n', id="a last cell that is a quote"),
            pytest.param(b'a,b\n1,"\n"\n', id="a last cell that is the end of a line"),
        ],
    )
    def test_what_is_kept_stays(self, written, keep, tmp_path, data):
        path = written(data)
        names = open_source("t", path).schema.names
        mask_dataset(path, tmp_path / "out.csv", keep(names), table_name="t")
        assert (tmp_path / "out.csv").read_bytes() == data

    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            (["1", "-22"], "int64"),
            (["007", "1"], "string"),
            (["9223372036854775808"], "string"),
            (["1.50", "22.25"], "decimal128(38, 2)"),
            (["1.5", "2"], "double"),
            (["true", "false"], "bool"),
            (["yes", "no"], "string"),
            (["2024-02-29"], "date32[day]"),
            (["29.02.2024"], "string"),
            (["2024-01-01 10:00:00"], "timestamp[s]"),
            (["2024-01-01T10:00:00.123Z"], "timestamp[ms, tz=UTC]"),
            (["1", "x"], "string"),
            (["nan", "inf"], "double"),
        ],
    )
    def test_a_type_is_told_by_how_cells_are_written(self, written, cells, kind):
        assert types(written(("a,b\n" + "".join(f"{cell},x\n" for cell in cells)).encode())) == [kind, "string"]

    @pytest.mark.parametrize("rows", [1, 400_000])
    @pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
    def test_an_empty_cell_at_the_very_end_is_a_null_too(self, read, written, rows, name):
        data = b"a,b\n" + b"1,2\n" * rows + b"3,"
        table = read(written(gzip.compress(data, 1) if name.endswith(".gz") else data, name))
        assert (table.num_rows, table["b"][-1].as_py(), str(table["b"].type)) == (rows + 1, None, "int64")

    def test_a_moment_may_be_null_in_the_first_rows(self, read, written):
        table = read(written(b"a,b\n1,\n2,2024-01-01T10:00:00Z\n"))
        assert table["b"].to_pylist() == [None, datetime(2024, 1, 1, 10, tzinfo=UTC)]

    def test_moments_without_a_value_are_written_as_the_others(self, written, keep, tmp_path):
        data = b"a,b\n2024-01-01T10:00:00,\n2024-01-02T10:00:00,\n"
        declared = {"types": {"b": "timestamp[s]"}}
        assert types(written(data), **declared) == ["timestamp[s]", "timestamp[s]"]
        mask_dataset(written(data), tmp_path / "o.csv", keep(["a", "b"]), table_name="t", source_options=declared)
        assert (tmp_path / "o.csv").read_bytes() == data

    @pytest.mark.parametrize("data", [b"\n\r\na,b\n1,x\n", b"\na\n1\n"], ids=["two columns", "one column"])
    def test_empty_lines_before_the_names_are_none(self, read, written, data):
        assert read(written(data))["a"].to_pylist() == [1]

    def test_a_moment_whose_offset_has_seconds_is_written_in_utc(self, keep, tmp_path):
        """Berlin was 53 minutes and 28 seconds ahead until 1893; offsets are written without seconds."""
        moments = pa.array([-3786825600, 0, None], pa.timestamp("s", "Europe/Berlin"))
        mask_dataset(pa.table({"t": moments}), tmp_path / "o.csv", keep(["t"]), table_name="t")
        text = (tmp_path / "o.csv").read_text()
        assert text == "t\n1850-01-01 00:00:00Z\n1970-01-01 01:00:00+0100\n\n"

    def test_a_byte_order_mark_that_begins_the_first_name_stays_there(self, read, keep, tmp_path):
        mask_dataset(pa.table({"\ufeffa": ["x"]}), tmp_path / "o.csv", keep(["\ufeffa"]), table_name="t")
        assert read(str(tmp_path / "o.csv")).column_names == ["\ufeffa"]

    def test_a_byte_order_mark_that_begins_the_first_cell_stays_there(self, read, written, tmp_path):
        rules = read_rules(
            '{version: 1, unlisted: keep, tables: {t: {columns: {f0: {method: redact, with: "\\uFEFF"}}}}}', "r"
        )
        options = {"header": False}
        mask_dataset(written(b"x,y\n"), tmp_path / "o.csv", rules, table_name="t", source_options=options)
        assert read(str(tmp_path / "o.csv"), **options).to_pylist() == [{"f0": "\ufeff", "f1": "y"}]

    def test_names_without_the_end_of_a_line_are_a_table_without_rows(self, read, written):
        table = read(written(b"a,b"))
        assert (table.num_rows, table.schema.names) == (0, ["a", "b"])

    def test_an_empty_cell_is_a_null_and_a_quoted_one_is_not(self, read, written):
        assert read(written(b'a,b\n,1\n"",2\n'))["a"].to_pylist() == [None, ""]

    def test_columns_are_masked_as_in_parquet(self, read, written, tmp_path, *, rules, keys, customers):
        rows = [
            ",".join(
                "" if cell is None else f'"{cell}"' if isinstance(cell, str) else str(cell) for cell in row.values()
            )
            for row in customers.to_pylist()
        ]
        path = written("\n".join([",".join(customers.schema.names), *rows, ""]).encode(), "customers.csv")
        mask_dataset(path, tmp_path / "out.csv", rules, keys=keys)
        expected, _ = mask_table(read(path), rules, table_name="customers", keys=keys)
        assert read(str(tmp_path / "out.csv")).to_pylist() == expected.to_pylist()
        assert b"lanted" not in (tmp_path / "out.csv").read_bytes()

    def test_tabs_by_name(self, read, written, keep, tmp_path):
        mask_dataset(written(b"a,b\n1,x\n"), tmp_path / "o.tsv", keep(["a", "b"]), table_name="t")
        assert (tmp_path / "o.tsv").read_bytes() == b"a\tb\n1\tx\n"
        assert read(str(tmp_path / "o.tsv")).schema.names == ["a", "b"]


class TestDeclared:
    """What is declared is taken, and what is not there or cannot be is refused."""

    def test_types(self, written):
        path = written(b"zip,amount,when\n1,19.9,2024-01-01\n2,5,2024-01-02\n")
        declared = {"zip": "string", "amount": "decimal(10, 2)", "when": "timestamp[us, UTC]"}
        assert types(path, types=declared) == ["string", "decimal128(10, 2)", "timestamp[us, tz=UTC]"]

    def test_a_dialect(self, read, written):
        path = written("'a':'b'\n'K\xf6ln':NULL\n'it''s':''\n".encode("latin-1"))
        table = read(path, delimiter=":", quote="'", encoding="latin-1", nulls=["NULL"])
        assert table.to_pylist() == [{"a": "Köln", "b": None}, {"a": "it's", "b": ""}]

    def test_quotes_are_told_in_every_encoding(self, written, keep, tmp_path):
        data = 'a,b\r\n"K\xf6ln",1\r\n"Ulm",2\r\n'.encode("latin-1")
        declared = {"encoding": "latin-1"}
        mask_dataset(written(data), tmp_path / "o.csv", keep(["a", "b"]), table_name="t", source_options=declared)
        assert (tmp_path / "o.csv").read_bytes() == data

    def test_a_byte_order_mark_by_the_encoding_stands_once(self, written, keep, tmp_path):
        data = b"\xef\xbb\xbfa,b\n1,x\n"
        declared = {"encoding": "utf-8-sig"}
        mask_dataset(written(data), tmp_path / "o.csv", keep(["a", "b"]), table_name="t", source_options=declared)
        assert (tmp_path / "o.csv").read_bytes() == data

    def test_the_dialect_is_that_of_the_output(self, written, keep, tmp_path):
        data = "a:b\nK\xf6ln:NULL\nit's:''\n".encode("latin-1")
        options = {"delimiter": ":", "quote": "'", "encoding": "latin-1", "nulls": ["NULL"]}
        mask_dataset(written(data), tmp_path / "o.csv", keep(["a", "b"]), table_name="t", source_options=options)
        assert (tmp_path / "o.csv").read_bytes() == "a:b\nK\xf6ln:NULL\n'it''s':''\n".encode("latin-1")

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"quoted": ["b"]}, b'a,b\n1,"x"\n'),
            ({"quoted": "a", "quoted_header": "true"}, b'"a","b"\n"1",x\n'),
            ({"quoted_header": True}, b'"a","b"\n1,x\n'),
            ({"quoting": "all", "quoted_header": False}, b'a,b\n"1","x"\n'),
        ],
    )
    def test_what_is_to_be_quoted(self, written, keep, tmp_path, options, expected):
        mask_dataset(
            written(b"a,b\n1,x\n"), tmp_path / "o.csv", keep(["a", "b"]), table_name="t", source_options=options
        )
        assert (tmp_path / "o.csv").read_bytes() == expected

    @pytest.mark.parametrize("size", [200_000, 2_000_000])
    def test_no_header_and_long_cells(self, written, keep, tmp_path, size):
        data = b"1;" + b"x" * size + b";k\n2;y;k\n"
        path = written(data)
        mask_dataset(
            path, tmp_path / "out.csv", keep(["f0", "f1", "f2"]), table_name="t", source_options={"header": False}
        )
        assert (tmp_path / "out.csv").read_bytes() == data

    def test_no_header(self, written, keep, tmp_path):
        mask_dataset(
            written(b"1,x\n2,y\n"),
            tmp_path / "o.csv",
            keep(["f0", "f1"]),
            table_name="t",
            source_options={"header": False},
        )
        assert (tmp_path / "o.csv").read_bytes() == b"1,x\n2,y\n"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"separator": ";"}, "no option 'separator'"),
            ({"types": {"b": "int64"}}, 'no column "b"'),
            ({"types": {"a": "int65"}}, "no type 'int65'"),
            ({"types": {"a": "time32[s]"}}, "no type 'time32"),
            ({"encoding": "klingon"}, "no encoding"),
            ({"encoding": "hex"}, "no encoding"),
            ({"encoding": "utf-16"}, "is not taken"),
            ({"encoding": "unicode_escape"}, "is not taken"),
            ({"delimiter": ";;"}, "one character"),
            ({"delimiter": "\\n"}, "no end of a line"),
            ({"quote": "«"}, "one character of ASCII"),
            ({"escape": "xx"}, "one character"),
            ({"types": "string"}, "types are declared by column"),
            ({"quoting": "never"}, "one of minimal, text, all"),
            ({"quoted": ["b"]}, 'no column "b" to quote'),
            ({"quote": ","}, "are different characters"),
            ({"escape": '"'}, "are different characters"),
            ({"nulls": []}, "'' where cells are empty"),
            ({"escape": "\\", "nulls": "\\N"}, "no cell would be a null"),
        ],
    )
    def test_what_cannot_be(self, written, options, said):
        with pytest.raises(UsageError, match=said):
            types(written(b"a\n1\n"), **options)
