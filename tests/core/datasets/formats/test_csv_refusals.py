"""What is no CSV file, or cannot become one."""

from __future__ import annotations

import gzip
import traceback

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import DatasetError, UsageError
from maskgate.rules import read_rules


class TestRefusals:
    """What cannot be read for sure is refused, and no cell of it is shown."""

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            pytest.param(b"", "is empty", id="nothing"),
            pytest.param(b"a,b\n1,planted\n1,planted,2\n", "more or fewer cells", id="a row that is too long"),
            pytest.param(b"a,b\nplanted\n", "more or fewer cells", id="a row that is too short"),
            pytest.param(b"a;b,c\n1;planted,2\n", "delimiter cannot be told", id="two delimiters that fit"),
            pytest.param(b"planted" * 30_000 + b",x\n", "which is no name", id="no names, and a long cell"),
            pytest.param(b"a,b\n\xff,planted\n", "not written in utf-8", id="another encoding"),
            pytest.param("a,b\n1,planted\n".encode("utf-16"), "Convert it to UTF-8", id="two bytes a character"),
            pytest.param(b'a,b\n1,"planted\n2,y\n', "ends inside of a cell", id="a quote that is not closed"),
            pytest.param(b'a,b\n1,x\n2,"planted', "ends inside of a cell", id="cut off inside of quotes"),
            pytest.param(b'a,b\n1,"planted \\"x\\""\n', "line 2: a cell goes on", id="escaped quotes, undeclared"),
            pytest.param(b'a,b\n1,"x"planted\n', "line 2: a cell goes on", id="text behind a closing quote"),
        ],
    )
    def test_a_file(self, read, written, data, said):
        with pytest.raises(DatasetError, match=said) as caught:
            read(written(data))
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
    def test_a_long_file_that_is_cut_off_inside_of_quotes(self, read, written, name):
        rows = b"a,b\n" + b"1,x\n" * 300_000 + b'2,"planted\n3,y\n'
        with pytest.raises(DatasetError, match="ends inside of a cell"):
            read(written(gzip.compress(rows, 1) if name.endswith(".gz") else rows, name))

    def test_a_long_file_that_ends_in_a_cell_of_lines_is_taken(self, read, written):
        rows = b"a,b\n" + b"1,x\n" * 300_000 + b'2,"x\n\ny"\n\n'
        assert read(written(rows))["b"][-1].as_py() == "x\n\ny"

    def test_a_later_cell_that_is_written_otherwise(self, written, keep, tmp_path):
        rows = "".join(f"{number},{'x' * 100}\n" for number in range(100_000))
        path = written(f"n,text\n{rows}00999,planted\n".encode())
        with pytest.raises(DatasetError, match=r'"n": it was taken for int64.*types\.n=string') as caught:
            mask_dataset(path, tmp_path / "out.csv", keep(["n", "text"]), table_name="t")
        assert "00999" not in "".join(traceback.format_exception(caught.value))
        assert not (tmp_path / "out.csv").exists()

    def test_a_cell_that_is_not_of_the_declared_type(self, read, written):
        path = written(b"day\n2024-02-29\n1999-02-30\n")
        with pytest.raises(DatasetError, match=r'"day": it is declared as date32.*Declare another type') as caught:
            read(path, types={"day": "date32"})
        assert "1999" not in "".join(traceback.format_exception(caught.value))

    def test_a_type_without_text_is_refused_before(self, keep, tmp_path):
        pq.write_table(pa.table({"a": [[1]]}), tmp_path / "t.parquet")
        with pytest.raises(UsageError, match="csv cannot hold this type"):
            mask_dataset(tmp_path / "t.parquet", tmp_path / "o.csv", keep(["a"]), table_name="t")

    @pytest.mark.parametrize(
        ("column", "said"),
        [
            pytest.param(pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), "beyond the year 32767", id="a far day"),
            pytest.param(pa.array([0], pa.timestamp("us", "Nowhere/At_All")), "time zone", id="an unknown zone"),
        ],
    )
    @pytest.mark.parametrize("name", ["o.csv", "o.jsonl"])
    def test_a_value_without_a_text(self, keep, tmp_path, column, said, name):
        with pytest.raises(DatasetError, match=f'column "a": .*{said}'):
            mask_dataset(pa.table({"a": column}), tmp_path / name, keep(["a"]), table_name="t")
        assert not (tmp_path / name).exists()

    def test_characters_that_the_encoding_has_not(self, written, tmp_path):
        rules = read_rules(
            "version: 1\ntables: {t: {columns: {a: {method: redact, with: '█'}, b: keep}}}\n", "rules.yaml"
        )
        with pytest.raises(DatasetError, match='column "a": the masked data has characters that ascii has not'):
            mask_dataset(
                written(b"a,b\nplanted,1\n"),
                tmp_path / "o.csv",
                rules,
                table_name="t",
                source_options={"encoding": "ascii"},
            )
