from __future__ import annotations

import gzip
import json
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.sources import open_source
from maskgate.errors import DatasetError, UsageError

LINES = b"""\
{"id": 1, "name": "Planted \\"Person\\"\\n\\u0001", "at": "2024-01-01", "f": 0.5, "ok": true, "tags": ["a", null], \
"o": {"x": 1, "y": "k"}}
{"id": 2, "name": null, "at": "", "f": 19.9, "ok": false, "tags": [], "o": {"x": null, "y": ""}}
{"id": 9007199254740993, "name": "K\xc3\xb6ln", "at": "x", "f": null, "ok": null, "tags": null, "o": null}
"""


@pytest.fixture
def written(written):
    """Write a file of JSON lines, and return its path."""
    return lambda data, name="t.jsonl": written(data, name)


class TestJsonLines:
    """One object a line; values stay what they were."""

    def test_what_is_kept_means_the_same(self, written, keep, tmp_path):
        names = ["id", "name", "at", "f", "ok", "tags", "o"]
        mask_dataset(written(LINES), tmp_path / "out.jsonl", keep(names), table_name="t")
        before, after = (
            [json.loads(line) for line in data.splitlines()] for data in (LINES, (tmp_path / "out.jsonl").read_bytes())
        )
        assert after == before

    def test_what_looks_like_a_date_is_a_text(self, written):
        schema = open_source("t", written(LINES)).schema
        assert [str(kind) for kind in schema.types[:5]] == ["int64", "string", "string", "double", "bool"]

    def test_a_declared_type(self, read, written):
        line = b'{"when": "2024-01-01T10:00:00", "price": 19.90}\n'
        table = read(written(line), types={"when": "timestamp[s]", "price": "decimal(10, 2)"})
        assert table.to_pylist() == [{"when": datetime(2024, 1, 1, 10), "price": Decimal("19.90")}]  # noqa: DTZ001  zoneless

    def test_a_declared_day(self, read, written):
        lines = written(b'{"on": "2024-01-31", "n": 1}\n{"on": null, "n": 2}\n')
        assert read(lines, types={"on": "date32"})["on"].to_pylist() == [date(2024, 1, 31), None]
        lines = written(b'{"on": "planted"}\n')
        with pytest.raises(DatasetError, match="Declare types") as caught:
            read(lines, types={"on": "date32"})
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize(
        "lines",
        [
            [{"a": {}}, {"a": None}],
            [{"a": {"x": {}}, "b": 1}, {"a": None, "b": 2}],
            [{"a": [{}], "b": 1}, {"a": [], "b": 2}],
        ],
        ids=["alone", "in an object", "in a list"],
    )
    def test_objects_without_fields_are_written(self, written, keep, tmp_path, lines):
        path = written("".join(json.dumps(line) + "\n" for line in lines).encode())
        mask_dataset(path, tmp_path / "out.jsonl", keep(lines[0]), table_name="t")
        assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == lines

    def test_a_field_that_is_not_there_is_a_null(self, read, written):
        assert read(written(b'{"a": 1, "b": "x"}\n{"b": "y"}\n'))["a"].to_pylist() == [1, None]

    def test_nested_fields_are_masked(self, written, keep, tmp_path):
        line = b'{"people": [{"mail": "p@planted.example", "kind": "x"}, {"mail": null, "kind": "y"}]}\n'
        rules = keep(["people[].mail", "people[].kind"], **{"people[].mail": "{method: redact, with: '*'}"})
        mask_dataset(written(line), tmp_path / "out.jsonl", rules, table_name="t")
        assert json.loads((tmp_path / "out.jsonl").read_bytes()) == {
            "people": [{"mail": "*", "kind": "x"}, {"mail": None, "kind": "y"}]
        }

    def test_every_type_that_json_can_hold(self, keep, tmp_path):
        moment = datetime(2024, 1, 1, 10, 0, 0, 5, tzinfo=UTC)
        table = pa.table(
            {
                "day": [date(2024, 1, 1), None],
                "moment": pa.array([moment, None], pa.timestamp("us", "UTC")),
                "money": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
                "kind": pa.array(["x", None]).dictionary_encode(),
                "lists": [[["a"], [], None], None],
                "empty": pa.array([[], []], pa.list_(pa.string())),
                "nothing": [[None], None],
            }
        )
        pq.write_table(table, tmp_path / "t.parquet")
        mask_dataset(tmp_path / "t.parquet", tmp_path / "o.jsonl", keep(table.schema.names), table_name="t")
        assert [json.loads(line) for line in (tmp_path / "o.jsonl").read_bytes().splitlines()] == [
            {
                "day": "2024-01-01",
                "moment": "2024-01-01T10:00:00.000005Z",
                "money": 1.5,
                "kind": "x",
                "lists": [["a"], [], None],
                "empty": [],
                "nothing": [None],
            },
            {"day": None, "moment": None, "money": None, "kind": None, "lists": None, "empty": [], "nothing": None},
        ]

    def test_a_field_that_comes_later_and_is_declared(self, read, written):
        path = written(b'{"a": 1}\n' * 500_000 + b'{"a": 1, "b": "x"}\n')
        assert read(path, types={"b": "string"})["b"][-1].as_py() == "x"

    def test_lines_of_five_megabytes(self, written, keep, tmp_path):
        text = "z" * (5 << 20)
        path = written(f'{{"a": "{text}"}}\n'.encode() * 3)
        mask_dataset(path, tmp_path / "o.jsonl", keep(["a"]))
        assert (tmp_path / "o.jsonl").read_bytes() == (tmp_path / "t.jsonl").read_bytes()

    def test_a_compressed_file_that_is_cut_off(self, written, keep, tmp_path):
        data = gzip.compress("".join(f'{{"a": "planted{at:07}"}}\n' for at in range(400_000)).encode())
        path = written(data[: len(data) * 2 // 3], "t.jsonl.gz")
        with pytest.raises(DatasetError, match=r"t\.jsonl\.gz: its compressed bytes are damaged or cut off, or"):
            mask_dataset(path, tmp_path / "o.jsonl", keep(["a"]))
        assert not (tmp_path / "o.jsonl").exists()

    def test_many_rows_with_as_many_values(self, keep, tmp_path):
        """Lines are made some thousand at a time, whatever a dictionary holds."""
        texts = [None if at % 9 == 0 else f"name {at}" for at in range(20_000)]
        table = pa.table(
            {"id": range(20_000), "name": pa.array(texts).dictionary_encode(), "list": [texts[:2]] * 20_000}
        )
        mask_dataset(table, tmp_path / "out.jsonl", keep(table.schema.names), table_name="t")
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
        assert lines == [{"id": at, "name": text, "list": [None, "name 1"]} for at, text in enumerate(texts)]

    def test_compressed(self, read, written, keep, tmp_path):
        path = written(gzip.compress(b'{"a": 1}\n'), "t.jsonl.gz")
        mask_dataset(path, tmp_path / "o.ndjson.zst", keep(["a"]), table_name="t")
        assert read(str(tmp_path / "o.ndjson.zst")).to_pylist() == [{"a": 1}]


class TestRefusals:
    """What cannot be read for sure is refused, and nothing of it is shown."""

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"planted\n", id="no object"),
            pytest.param(b'{"a": 1}\n{"a": "planted"}\n', id="another type"),
            pytest.param(b'{"a": 1}\n{"a": 1, "a": "planted"}\n', id="a field twice"),
            pytest.param(b'{"o": {"\xffplanted": 1}}\n', id="a name that is no text"),
            pytest.param(b'{"a": 12345678901234567890}\n', id="a number that is too long"),
            pytest.param(b'{"o": [{"x": 9007199254740993}, {"x": 1.5}]}\n', id="one that is too long, further inside"),
        ],
    )
    def test_a_file(self, read, written, data):
        with pytest.raises(DatasetError) as caught:
            read(written(data))
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("at", [0, 500_000])
    @pytest.mark.parametrize("line", [b'{"]": ' * 50_000 + b"1" + b"}" * 50_000, b'{"a":' + b"[" * 101])
    def test_what_is_nested_too_deep(self, read, written, at, line):
        """Such a line once ended the whole process."""
        with pytest.raises(DatasetError, match="a hundred levels" if at == 0 else "one of another type"):
            read(written(b'{"a": 1}\n' * at + line + b"\n"))

    def test_brackets_in_a_text_nest_nothing(self, read, written):
        row = {"a": "[" * 300 + '\\"', "b": [[each] for each in range(200)]}
        assert read(written(json.dumps(row).encode())).to_pylist() == [row]

    def test_a_field_that_comes_later(self, written, keep, tmp_path):
        lines = b'{"a": 1}\n' * 500_000 + b'{"a": 1, "ssn": "planted"}\n'
        with pytest.raises(DatasetError, match="a field that the first lines do not have") as caught:
            mask_dataset(written(lines), tmp_path / "out.jsonl", keep(["a"]), table_name="t")
        assert "planted" not in "".join(traceback.format_exception(caught.value))
        assert not (tmp_path / "out.jsonl").exists()

    def test_a_number_that_json_has_not(self, keep, tmp_path):
        table = pa.table({"a": [1.0, 2.0], "o": [[{"x": 1.0}], [{"x": float("nan")}]]})
        with pytest.raises(DatasetError, match=r'column "o\[\]\.x": JSON has no number for infinity'):
            mask_dataset(table, tmp_path / "o.jsonl", keep(["a", "o"]), table_name="t")

    @pytest.mark.parametrize(
        "column",
        [
            pytest.param(pa.array([b"x"]), id="bytes"),
            pytest.param(pa.array([], pa.month_day_nano_interval()), id="intervals"),
            pytest.param(
                pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), id="two fields of one name"
            ),
        ],
    )
    def test_a_type_that_json_has_not(self, keep, tmp_path, column):
        with pytest.raises(UsageError, match=r'column "a" .*: jsonl cannot hold this type'):
            mask_dataset(pa.table({"a": column}), tmp_path / "o.jsonl", keep(["a"]), table_name="t")

    def test_a_compressed_file_without_a_byte(self, read, written):
        with pytest.raises(DatasetError, match=r"t\.jsonl\.gz: it is not compressed as its name says, or damaged"):
            read(written(b"", "t.jsonl.gz"))

    def test_an_option_that_is_not_there(self, read, written):
        with pytest.raises(UsageError, match="no option 'delimiter'"):
            read(written(LINES), delimiter=";")
