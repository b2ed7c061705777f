"""Layouts that Arrow itself stumbles over: tables of them are masked, or refused in words."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate import mask_table
from maskgate.datasets import mask_dataset
from maskgate.errors import MaskingError, PlanError
from maskgate.keys import Key, KeyRing
from maskgate.masking.joining import joined
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
WITH_NULL = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["a", None]))


def rules(method):
    head = "version: 1\nkeys: {people: 'env:UNUSED'}\ndomains: {d: {scheme: cmac}}\n"
    return read_rules(f"{head}tables: {{t: {{columns: {{c: {method}}}}}}}", "rules.yaml")


def cells(column, method):
    return mask_table(pa.table({"c": column}), rules(method), table_name="t", keys=KEYS)[0]["c"].to_pylist()


class TestDictionaries:
    def test_nulls_among_the_entries_of_several_chunks(self):
        chunks = pa.chunked_array([WITH_NULL, WITH_NULL])
        assert cells(chunks, "keep") == ["a", None, "a", None]
        assert sorted(cells(chunks, "shuffle"), key=str) == [None, None, "a", "a"]

    def test_more_entries_than_codes(self):
        texts = [f"text {at}" for at in range(200)]
        parts = [pa.array(texts[at : at + 100]).dictionary_encode() for at in (0, 100)]
        chunks = pa.chunked_array([part.cast(pa.dictionary(pa.int8(), pa.string())) for part in parts])
        assert cells(chunks, "keep") == texts
        with pytest.raises(MaskingError, match="codes of its dictionary") as caught:
            cells(chunks, "shuffle")
        assert "text 1" not in str(caught.value)

    def test_of_small_decimals(self):
        numbers = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array([1, 2], pa.decimal32(5, 0)))
        tokens = cells(numbers, "{method: token, domain: d}")
        assert tokens[0] == tokens[2] != tokens[1]

    def test_of_lists_are_put_together(self):
        lists = pa.array([["a"], None], pa.list_(pa.string()))
        batches = [pa.record_batch({"c": pa.DictionaryArray.from_arrays([0, 1], lists.slice(at))}) for at in (0, 0)]
        assert joined(batches, batches[0].schema)["c"].to_pylist() == [["a"], None, ["a"], None]


class TestOthers:
    def test_a_plugin_that_hands_on_hidden_bytes_is_cleansed(self):
        """As kernels do that take the bits of the original for their own."""
        column = pa.array(["Zebulon", "Quixworth", "Ann"]).slice(0, 0)
        masked, _ = mask_table(pa.table({"c": column}), rules("scrub"), table_name="t", keys=KEYS)
        assert b"Quix" not in b"".join(
            buffer.to_pybytes() for chunk in masked["c"].chunks for buffer in chunk.buffers() if buffer is not None
        )

    def test_a_union_in_a_null_struct(self):
        union = pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array(["a", "b"])])
        kind = pa.struct([pa.field("a", union.type)])
        column = pa.Array.from_buffers(kind, 2, [pa.py_buffer(b"\x01")], children=[union])
        assert mask_table(
            pa.table({"c": column}),
            read_rules('version: 1\ntables: {t: {columns: {"c.a": redact}}}', "r.yaml"),
            table_name="t",
        )[0]["c"].to_pylist() == [{"a": "***"}, None]

    def test_lists_of_no_elements_are_not_written_as_parquet(self, tmp_path):
        column = pa.array([[], None], pa.list_(pa.string(), 0))
        with pytest.raises(PlanError, match="parquet cannot hold this type"):
            mask_dataset(pa.table({"c": column}), tmp_path / "out.parquet", rules("keep"), table_name="t", keys=KEYS)
        assert list(tmp_path.iterdir()) == []

    def test_decimals_of_few_bits_are_written(self, tmp_path):
        column = pa.array([1, 2, None], pa.decimal32(5, 0))
        done = mask_dataset(pa.table({"c": column}), tmp_path / "out.parquet", rules("keep"), table_name="t", keys=KEYS)
        assert done.report.rows == 3
