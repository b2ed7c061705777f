from __future__ import annotations

import copy
import json

import pytest

from maskgate.errors import Refused
from maskgate.gate.manifest import parse_manifest
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes

CUSTOMERS = "tables.customers"


def manifest():
    return json.loads(staged_bytes(masked_tables(), sample_rules())["manifest.json"])


def parse(value):
    return parse_manifest(json.dumps(value).encode())


def changed(path, value):
    """The good manifest with one thing changed; `path` goes by keys and positions, ``-`` removes."""
    whole = manifest()
    *way, last = path
    inner = whole
    for step in way:
        inner = inner[step]
    if value == "-":
        del inner[last]
    else:
        inner[last] = value
    return whole


class TestManifest:
    """A manifest is understood whole, or refused with the place that is wrong."""

    def test_a_good_one_goes_through_unchanged(self):
        assert parse(manifest()).as_json() == manifest()

    def test_a_table_without_a_report_has_none(self):
        assert parse(changed(["report"], "-")).as_json()["report"] == {}

    def test_files_are_in_order_of_path(self):
        paths = [file.path for file in parse(manifest()).files]
        assert paths == ["customers/part-00000.parquet", "orders/part-00000.parquet"]

    @pytest.mark.parametrize(
        ("path", "value", "words"),
        [
            pytest.param(["format"], "-", '"format" is missing', id="no format"),
            pytest.param(["format"], "maskgate-manifest/2", '"format" is not', id="another format"),
            pytest.param(["extra"], 1, "unknown", id="an unknown key at the top"),
            pytest.param(["rules", "extra"], 1, "unknown", id="an unknown key in rules"),
            pytest.param(["rules", "digest"], "sha256:ABC", "rules.digest", id="a digest that is none"),
            pytest.param(["rules", "digest"], None, "rules.digest", id="no digest"),
            pytest.param(["keys"], [], "keys is not an object", id="keys as a list"),
            pytest.param(["keys", "contact"], "1", "keys", id="a version in quotes"),
            pytest.param(["keys", "contact"], True, "keys", id="a version that is true"),
            pytest.param(["keys", "ann@example.com"], 1, "keys", id="a value as the name of a key"),
            pytest.param(["tables"], {}, "0 tables", id="no tables"),
            pytest.param(["tables"], [], "tables is not an object", id="tables as a list"),
            pytest.param(["tables", ".."], {}, '".."', id="the folder above as a table"),
            pytest.param(["tables", "customers", "rows"], -1, "customers.*rows", id="rows below zero"),
            pytest.param(
                ["tables", "customers", "rows"], 1 << 53, "customers.*rows", id="rows beyond what JSON can say"
            ),
            pytest.param(["tables", "customers", "rows"], True, "customers.*rows", id="rows that are true"),
            pytest.param(["tables", "customers", "extra"], 1, "unknown", id="an unknown key in a table"),
            pytest.param(["tables", "customers", "files"], [], "files is empty", id="a table without files"),
            pytest.param(["tables", "customers", "files"], {}, "not a list", id="files as an object"),
            pytest.param(["tables", "customers", "schema", 0, "extra"], 1, "unknown", id="an unknown key in a column"),
            pytest.param(["tables", "customers", "schema", 0, "name"], "", "name", id="a column without a name"),
            pytest.param(["tables", "customers", "schema", 0, "name"], "a\u202eb", "name", id="a name that turns text"),
            pytest.param(["tables", "customers", "schema", 0, "name"], "x" * 1001, "name", id="a name too long"),
            pytest.param(["tables", "customers", "schema", 0, "name"], "country", "twice", id="a column named twice"),
            pytest.param(["tables", "customers", "files", 0, "extra"], 1, "unknown", id="an unknown key in a file"),
            pytest.param(["tables", "customers", "files", 0, "size"], "12", "size", id="a size in quotes"),
            pytest.param(["tables", "customers", "files", 0, "sha256"], "0" * 63, "sha256", id="a short hash"),
            pytest.param(["tables", "customers", "files", 0, "sha256"], "A" * 64, "sha256", id="a hash in capitals"),
            pytest.param(
                ["tables", "customers", "files", 0, "path"],
                "../../etc/passwd",
                "not a part of this table",
                id="a path that leads out",
            ),
            pytest.param(
                ["tables", "customers", "files", 0, "path"],
                "orders/part-00001.parquet",
                "not a part of this table",
                id="a path of another table",
            ),
            pytest.param(
                ["tables", "customers", "files", 0, "path"], "manifest.json", "not a part", id="the manifest as a part"
            ),
            pytest.param(["report"], [], "report is not an object", id="a report that is a list"),
            pytest.param(["report", "customers"], [], "report", id="a table's report that is a list"),
            pytest.param(["report", "customers", "columns", "email"], 1, "report", id="a column's report that is none"),
        ],
    )
    def test_it_is_refused_with_the_place(self, path, value, words):
        with pytest.raises(Refused, match=f"manifest.json: .*{words}"):
            parse(changed(path, value))

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"{", id="half of it"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b"null", id="null"),
            pytest.param(b"\xff\xfe{\x00}\x00", id="another encoding"),
            pytest.param(b'{"a": NaN}', id="a number that is none"),
            pytest.param(b'{"a": 1.5}', id="a fraction"),
            pytest.param(b'{"a": 1e400}', id="an endless number"),
            pytest.param(b"[" * 100_000, id="brackets in brackets"),
            pytest.param(b'{"a": ' + b"9" * 10_000 + b"}", id="a number of ten thousand digits"),
        ],
    )
    def test_what_is_no_manifest_is_refused(self, text):
        with pytest.raises(Refused, match=r"^manifest.json: "):
            parse_manifest(text)

    def test_a_key_that_stands_twice_is_refused(self):
        text = json.dumps(manifest()).replace('"keys":', '"rules": {}, "keys":')
        with pytest.raises(Refused, match='"rules" stands twice'):
            parse_manifest(text.encode())

    def test_one_file_named_twice_is_refused(self):
        whole = manifest()
        files = whole["tables"]["customers"]["files"]
        files.append(copy.deepcopy(files[0]))
        with pytest.raises(Refused, match="same name"):
            parse(whole)

    def test_tables_that_differ_by_capitals_alone_are_refused(self):
        whole = manifest()
        other = json.loads(json.dumps(whole["tables"]["customers"]).replace("customers/", "Customers/"))
        whole["tables"]["Customers"] = other
        with pytest.raises(Refused, match="capitals"):
            parse(whole)

    def test_a_report_is_counts_and_words_and_the_rest_is_dropped(self):
        said = {"method": "token", "nulls": 5, "note": "ann@example.com", "share": [1], "neg": -1, "is": True, "a b": 1}
        whole = changed(["report", "customers"], {"rows": 4, "columns": {"email": said}, "more": {"x": 1}})
        assert parse(whole).as_json()["report"]["customers"] == {
            "rows": 4,
            "columns": {"email": {"method": "token", "nulls": 5}},
        }

    def test_a_method_that_is_no_word_is_dropped(self):
        whole = changed(["report", "customers", "columns", "email"], {"method": "ann@example.com", "nulls": 0})
        assert parse(whole).as_json()["report"]["customers"]["columns"]["email"] == {"nulls": 0}
