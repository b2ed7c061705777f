from __future__ import annotations

import io
import re
import traceback
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.crypto.cells import without_dictionary
from maskgate.errors import KeyReferenceError, MaskgateError, MaskingError, PlanError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.methods.keep import Keep
from maskgate.rules import read_rules
from maskgate.testing.haunted_columns import haunted_columns

PLANTED = [
    b"lanted",
    b"secret.example",
    b"078-05-1120",
    b"7946 0958",
    (1000000001).to_bytes(8, "little"),
]


def written(table):
    """Every byte of a table as it travels between processes."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def as_cells(column):
    return without_dictionary(column)


def keep_all(table):
    columns = "\n".join(f'      "{name}": keep' for name in table.schema.names)
    return read_rules(f"version: 1\ntables:\n  t:\n    columns:\n{columns}\n", "rules.yaml")


class TestMaskTable:
    """A table goes in, a masked table and counts come out; the original is as it was."""

    def test_no_rows_keep_their_schema(self, rules, keys, customers):
        masked, report = mask_table(customers.slice(0, 0), rules, table_name="customers", keys=keys)
        full, _ = mask_table(customers, rules, table_name="customers", keys=keys)
        assert masked.schema == full.schema
        assert masked.num_rows == report.rows == 0
        assert set(report.columns) == set(customers.schema.names)

    def test_each_column_is_masked_by_its_rule(self, rules, keys, customers):
        masked, report = mask_table(customers, rules, table_name="customers", keys=keys)
        rows = masked.to_pylist()
        assert [row["phone"] for row in rows] == ["**************58", "", None]
        assert [row["birth_date"] for row in rows] == [1987, 1936, None]
        assert [row["notes"] for row in rows] == ["***", None, "***"]
        assert [row["country"] for row in rows] == ["DE", "NO", "GB"]
        assert rows[0]["email"].startswith("em_")
        assert rows[1]["email"] is None
        assert "full_name" not in rows[0]
        assert report.as_json()["columns"]["email"] == {"method": "token", "nulls": 1}
        assert report.columns["full_name"].nulls_after is None

    def test_a_null_stays_a_null_and_the_empty_string_is_a_value(self, rules, keys, customers):
        masked, _ = mask_table(customers, rules, table_name="customers", keys=keys)
        for name in masked.schema.names:
            assert masked[name].is_null().to_pylist() == customers[name].is_null().to_pylist(), name

    def test_planted_values_are_nowhere_in_the_bytes(self, rules, keys, customers):
        noted = customers.replace_schema_metadata({"pandas": '{"note": "Planted Person"}'})
        masked, _ = mask_table(noted, rules, table_name="customers", keys=keys)
        content = written(masked)
        assert [value for value in PLANTED if value in written(noted)] == PLANTED
        assert [value for value in PLANTED if value in content] == []

    def test_the_same_value_has_the_same_token_in_every_table(self, rules, keys, customers, orders):
        masked, _ = mask_table(customers, rules, table_name="customers", keys=keys)
        ordered, _ = mask_table(orders, rules, table_name="orders", keys=keys)
        tokens = dict(zip(customers["customer_id"].to_pylist(), masked["customer_id"].to_pylist(), strict=True))
        assert [tokens[each] for each in orders["customer_id"].to_pylist()] == ordered["customer_id"].to_pylist()

    @pytest.mark.parametrize("size", [1, 2, 7, 1000])
    def test_it_does_not_matter_how_the_table_is_cut(self, rules, keys, customers, size):
        many = pa.concat_tables([customers] * 5).combine_chunks()
        whole, report = mask_table(many, rules, table_name="customers", keys=keys)
        pieces = pa.Table.from_batches(many.to_batches(max_chunksize=size))
        cut, cut_report = mask_table(pieces, rules, table_name="customers", keys=keys)
        assert cut.combine_chunks() == whole.combine_chunks()
        assert cut_report == report

    def test_another_key_has_other_tokens(self, rules, keys, customers):
        other = KeyRing({name: Key(name, bytes([7]) * 32) for name in ("people", "contact")})
        ours, _ = mask_table(customers, rules, table_name="customers", keys=keys)
        theirs, _ = mask_table(customers, rules, table_name="customers", keys=other)
        for name in ("customer_id", "email"):
            assert not pc.any(pc.equal(ours[name], theirs[name])).as_py()

    def test_rules_read_originals_whatever_their_order(self, keys, customers):
        text = """\
version: 1
keys: {people: env:A}
domains: {customer: {scheme: hmac}}
tables:
  customers:
    entity: customer_id
    columns:
      FIRST
      SECOND
"""
        token, shift = "customer_id: {method: token, domain: customer}", "signed_up_at: {method: shift_date, days: 9}"
        table = customers.select(["customer_id", "signed_up_at"])
        ways = [text.replace("FIRST", one).replace("SECOND", two) for one, two in ((token, shift), (shift, token))]
        masked = [mask_table(table, read_rules(way, "r"), table_name="customers", keys=keys)[0] for way in ways]
        assert masked[0] == masked[1]

    def test_the_original_is_not_changed(self, rules, keys, customers):
        before = written(customers)
        mask_table(customers, rules, table_name="customers", keys=keys)
        assert written(customers) == before

    def test_keys_come_from_the_rules_if_none_are_given(self, rules, customers, orders, monkeypatch):
        monkeypatch.delenv("MASKGATE_KEY_CONTACT", raising=False)
        monkeypatch.setenv("MASKGATE_KEY_PEOPLE", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        assert mask_table(orders, rules, table_name="orders")[1].rows == 4
        with pytest.raises(KeyReferenceError, match="MASKGATE_KEY_CONTACT is not set"):
            mask_table(customers, rules, table_name="customers")


class TestKeptColumns:
    """A kept column brings its cells, and none of the bytes beside them."""

    @pytest.mark.parametrize("column", haunted_columns(), ids=lambda column: column.name)
    def test_no_ghost_comes_along(self, column):
        table = pa.table({"c": column.array})
        masked, _ = mask_table(table, keep_all(table), table_name="t")
        assert as_cells(masked["c"].combine_chunks()).equals(as_cells(column.array))
        if column.ghost:
            assert column.ghost not in written(masked)

    def test_metadata_stays_behind_on_every_level(self):
        inner = pa.field("inner", pa.string(), metadata={"note": "planted"})
        kinds = [
            pa.struct([inner]),
            pa.list_(inner),
            pa.large_list(inner),
            pa.list_(inner, 2),
            pa.map_(pa.field("key", pa.string(), nullable=False, metadata={"note": "planted"}), inner),
        ]
        fields = [pa.field(str(at), kind, metadata={"note": "planted"}) for at, kind in enumerate(kinds)]
        table = pa.schema(fields, metadata={"note": "planted"}).empty_table()
        rows = [{"0": {"inner": "x"}, "1": ["x"], "2": ["x"], "3": ["x", "y"], "4": [("k", "x")]}]
        table = pa.Table.from_pylist(rows, schema=table.schema)
        masked, _ = mask_table(table, keep_all(table), table_name="t")
        assert b"planted" in written(table)
        assert b"planted" not in written(masked)
        # Each chunk has a type of its own beside the schema's, and libraries that take chunks read that one.
        for column, field in zip(masked.columns, masked.schema, strict=True):
            assert column.chunk(0).type.equals(field.type, check_metadata=True)
        assert masked.to_pylist() == table.to_pylist()

    def test_an_extension_type_leaves_as_what_it_stores_and_a_uuid_as_its_text(self):
        table = pa.table({"kind": pa.array(["{}"], pa.json_()), "id": pa.array([bytes(range(16))], pa.uuid())})
        masked, _ = mask_table(table, keep_all(table), table_name="t")
        assert masked.schema.types == [pa.string(), pa.string()]
        assert masked.to_pylist() == [{"kind": "{}", "id": str(uuid.UUID(bytes=bytes(range(16))))}]

    def test_a_uuid_has_the_token_of_its_text_wherever_it_stands(self):
        """Databases and CSV give UUIDs as text, and Parquet as a type of its own."""
        stored = pa.array([bytes([at] * 16) for at in range(3)], pa.binary(16))
        ids = pa.ExtensionArray.from_storage(pa.uuid(), stored.take(pa.array([2, 0, None, 1, 2]))).slice(1)
        inner = pa.ExtensionArray.from_storage(pa.uuid(), stored.take(pa.array([0, 2, None, 1])))
        texts = [None if each is None else str(each) for each in ids.to_pylist()]
        columns = {"id": ids, "inner": pa.StructArray.from_arrays([inner], ["id"]), "text": texts, "seen": [1, 2, 3, 4]}
        rules = read_rules(
            "version: 1\nkeys: {people: env:A}\ndomains: {d: {scheme: hmac}}\ntables: {t: {columns: {"
            "id: {method: token, domain: d}, inner.id: {method: token, domain: d}, text: {method: token, domain: d}, "
            f"seen: [{{when: {{id: '{texts[0]}'}}, method: nullify}}, keep]}}}}}}",
            "rules.yaml",
        )
        keys = KeyRing({"people": Key("people", bytes(32))})
        masked = mask_table(pa.table(columns), rules, table_name="t", keys=keys)[0].to_pydict()
        first, none, second, third = masked["text"]
        assert masked["id"] == [first, none, second, third]
        assert [each["id"] for each in masked["inner"]] == [first, third, None, second]
        assert masked["seen"] == [None, 2, 3, 4]

    def test_the_unused_entries_of_a_dictionary_stay_behind(self):
        codes = pa.array([1, None, 1], pa.int8())
        table = pa.table({"c": pa.DictionaryArray.from_arrays(codes, ["planted", "used", "planted too"])})
        masked, _ = mask_table(table, keep_all(table), table_name="t")
        assert b"planted" not in written(masked)
        assert masked["c"].to_pylist() == ["used", None, "used"]


class TestFailures:
    """What a method stumbles over is named by its column, never by its value."""

    def test_an_unexpected_failure_shows_no_value(self, monkeypatch):
        def fail(_self, column, _surroundings):
            raise ValueError(f"cannot take {column[0]}")

        monkeypatch.setattr(Keep, "apply", fail)
        table = pa.table({"c": ["planted"]})
        with pytest.raises(MaskingError) as caught:
            mask_table(table, keep_all(table), table_name="t")
        assert str(caught.value).startswith('table "t", column "c" (string): \'keep\' failed on a value (ValueError).')
        assert "planted" not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is caught.value.__context__ is None

    @pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "with a dictionary"])
    @pytest.mark.parametrize(
        "method",
        [
            "generalize, keep_first: 1",
            "truncate, length: 1",
            "fake, kind: name, key: people",
            "token, domain: d",
            "scrub, find: [email]",
        ],
    )
    def test_texts_that_are_no_utf8_are_counted_or_done_away_with(self, method, wrapped):
        buffers = pa.array([b"ab", b"\xff\xfeplanted", None, b"cd"]).buffers()
        column = pa.Array.from_buffers(pa.string(), 4, buffers)
        if wrapped:
            column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 3, 0]), column)

        def masked(on_invalid):
            rules = read_rules(
                "version: 1\nkeys: {people: env:A}\ndomains: {d: {scheme: hmac, normalize: [lower]}}\n"
                f"tables: {{t: {{columns: {{c: {{method: {method}, on_invalid: {on_invalid}}}}}}}}}\n",
                "rules.yaml",
            )
            ring = KeyRing({"people": Key("people", bytes(32))})
            return mask_table(pa.table({"c": column}), rules, table_name="t", keys=ring)

        with pytest.raises(MaskingError, match="1 texts are not valid UTF-8") as refused:
            masked("fail")
        assert "planted" not in "".join(traceback.format_exception(refused.value))
        table, report = masked("nullify")
        assert table["c"].is_null().to_pylist()[:4] == [False, True, True, False]
        assert report.columns["c"].invalid == 1
        table, _ = masked("redact")
        assert table["c"].to_pylist()[1:3] == ["***", None]

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            pytest.param({"rules": "customers.yaml"}, "rules: what `load_rules(path)` returns", id="the rules' path"),
            pytest.param({"keys": {"people": bytes(32)}}, "keys: a KeyRing is expected here, not dict", id="bare keys"),
        ],
    )
    def test_what_is_given_in_place_of_rules_and_keys_is_named(self, rules, keys, customers, wrong, said):
        with pytest.raises(UsageError, match=re.escape(said)):
            mask_table(customers, **{"rules": rules, "keys": keys, "table_name": "customers", **wrong})

    def test_a_table_that_has_no_name_is_none_of_the_rules(self, rules, keys, customers):
        with pytest.raises(PlanError, match=r'table "None": the rules have no such table\. Known are: customers'):
            mask_table(customers, rules, table_name=None, keys=keys)

    def test_a_row_without_entity_is_refused(self, rules, keys, orders):
        nameless = orders.set_column(1, "customer_id", pa.array([1, None, 3, 4]))
        with pytest.raises(MaskgateError, match='"ordered_at"'):
            mask_table(nameless, rules, table_name="orders", keys=keys)

    def test_a_method_that_breaks_its_word_is_caught(self, monkeypatch):
        monkeypatch.setattr(Keep, "apply", lambda _self, column, _surroundings: column.slice(1))
        table = pa.table({"c": np.arange(3)})
        with pytest.raises(MaskingError, match="gave 2 cells of int64, and announced 3"):
            mask_table(table, keep_all(table), table_name="t")
