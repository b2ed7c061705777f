from __future__ import annotations

import pytest

from maskgate.errors import UsageError
from maskgate.gate.staged_names import check_staged_name, check_staging_id, check_upload_name, shown
from maskgate.gate.staging import new_staging_id


class TestStagedName:
    """A staged file is the manifest, or a numbered part of a table; nothing else has a name."""

    @pytest.mark.parametrize(
        ("path", "names"),
        [
            pytest.param("manifest.json", ("manifest.json",), id="the manifest"),
            pytest.param("customers/part-00000.parquet", ("customers", "part-00000.parquet"), id="a part of a table"),
            pytest.param(
                "Kunden äöü/part-12345.parquet", ("Kunden äöü", "part-12345.parquet"), id="letters of any script"
            ),
            pytest.param("a.b-c_1/part-000000001.parquet", ("a.b-c_1", "part-000000001.parquet"), id="many parts"),
        ],
    )
    def test_is_taken_apart(self, path, names):
        assert check_staged_name(path) == names

    @pytest.mark.parametrize(
        "path",
        [
            pytest.param("", id="nothing"),
            pytest.param("/etc/passwd", id="an absolute path"),
            pytest.param("//part-00000.parquet", id="no table"),
            pytest.param("../part-00000.parquet", id="the folder above"),
            pytest.param("customers/../part-00000.parquet", id="a way up in the middle"),
            pytest.param("customers/..", id="a way up at the end"),
            pytest.param("a..b/part-00000.parquet", id="two dots in a name"),
            pytest.param(".hidden/part-00000.parquet", id="a hidden folder"),
            pytest.param("customers/.part-00000.parquet", id="a hidden file"),
            pytest.param("a/b/part-00000.parquet", id="two folders"),
            pytest.param("a\\b/part-00000.parquet", id="a backslash"),
            pytest.param("zip::customers/part-00000.parquet", id="a chained address"),
            pytest.param("s3://bucket/part-00000.parquet", id="an address"),
            pytest.param("cust\0omers/part-00000.parquet", id="a zero byte"),
            pytest.param("cust\nomers/part-00000.parquet", id="a line break"),
            pytest.param("cust\u202eomers/part-00000.parquet", id="a character that turns text round"),
            pytest.param("u\u0308ber/part-00000.parquet", id="a name that is not in normal form"),
            pytest.param(" customers/part-00000.parquet", id="a space in front"),
            pytest.param("customers /part-00000.parquet", id="a space behind"),
            pytest.param("customers./part-00000.parquet", id="a dot behind"),
            pytest.param("x" * 201 + "/part-00000.parquet", id="a name too long"),
            pytest.param("customers/ann@example.com.parquet", id="a value as a name"),
            pytest.param("customers/part-0.parquet", id="a short number"),
            pytest.param("customers/part-00000.parquet.exe", id="another ending"),
            pytest.param("customers/part-00000.parquet/", id="a slash behind"),
            pytest.param("customers/part-00000.parquet\n", id="a line break behind"),
            pytest.param("manifest.json/part-00000.parquet", id="a table called as the manifest"),
        ],
    )
    def test_is_refused(self, path):
        with pytest.raises(UsageError):
            check_staged_name(path)


class TestUploadName:
    """What goes up is called so too, or as one masked table is: without a folder, or with a manifest of its own."""

    @pytest.mark.parametrize(
        ("path", "names"),
        [
            pytest.param("customers/part-00000.parquet", ("customers", "part-00000.parquet"), id="a part of a table"),
            pytest.param("part-00000.parquet", ("part-00000.parquet",), id="a part of the one table"),
            pytest.param("customers/manifest.json", ("customers", "manifest.json"), id="the manifest of a table"),
        ],
    )
    def test_is_taken_apart(self, path, names):
        assert check_upload_name(path) == names

    @pytest.mark.parametrize(
        "path", ["../manifest.json", "/manifest.json", "a/b/manifest.json", ".part-00000.parquet", "part-0.parquet", ""]
    )
    def test_is_refused(self, path):
        with pytest.raises(UsageError):
            check_upload_name(path)


class TestStagingId:
    """An id is drawn by the gate, and becomes the name of a folder."""

    def test_a_drawn_id_is_one(self):
        assert check_staging_id(new_staging_id()).startswith("stg_")

    def test_no_two_ids_are_equal(self):
        assert len({new_staging_id() for _ in range(100)}) == 100

    @pytest.mark.parametrize(
        "staging_id", ["", "..", "stg_", "stg_../../../../etc/x", "stg_" + "a" * 15, "stg_" + "é" * 20]
    )
    def test_others_are_refused(self, staging_id):
        with pytest.raises(UsageError):
            check_staging_id(staging_id)


class TestShown:
    """A hostile name in a message is short and does nothing."""

    def test_control_characters_are_replaced(self):
        assert shown("a\x1b[31m\u202eb") == '"a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b"'

    def test_long_names_are_cut(self):
        assert shown("x" * 1000) == '"' + "x" * 80 + '…"'
