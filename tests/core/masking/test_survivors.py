from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgate.errors import MaskingError, PlanError
from maskgate.keys import KeyRing
from maskgate.masking import mask_table, records
from maskgate.rules import load_rules, read_rules

SAID = re.compile(
    r'table "t", column "(?P<output>[^"]+)": '
    r'(?:(?P<values>\d+) original values of "(?P<whole>[^"]+)" stand there as whole cells)?(?:, and )?'
    r'(?:(?P<texts>\d+) texts have a value of "(?P<inside>[^"]+)" of their own row in them)?; '
    r"`check:` lets none survive, so that nothing comes out\. "
)


@pytest.fixture
def survivors(mask):
    """What the check of a table finds: whole values and texts, by protected column and column of the output."""

    def run(table, protected, columns="{nothing: keep}", **more):
        table = table.append_column("nothing", pa.nulls(table.num_rows))
        check = f"{{no_value_survives: {protected}}}"
        try:
            mask(table, columns, unlisted="keep", check=check, **more)
        except MaskingError as error:
            lines = [SAID.match(line) for line in str(error).splitlines()]
            return {
                (line["whole"] or line["inside"], line["output"]): (int(line["values"] or 0), int(line["texts"] or 0))
                for line in lines
            }
        return {}

    return run


class TestWholeCells:
    """No original of a protected column is a whole cell of the output, in whatever row."""

    def test_no_rows_hold_no_values(self, survivors):
        assert survivors(pa.table({"a": pa.array([], pa.string())}), "[a]") == {}

    def test_what_was_masked_passes(self, mask):
        table = pa.table({"a": ["planted one", "planted two", None, ""], "n": ["some note", "planted", None, "x"]})
        columns = "{a: {method: token, domain: customer}, n: keep}"
        assert mask(table, columns, check="{no_value_survives: [a]}")[0].num_rows == 4

    def test_the_message_says_where_and_how_many_and_no_value(self, mask):
        table = pa.table({"a": ["planted one", "planted two", None], "b": ["planted two", "x", "planted two"]})
        with pytest.raises(MaskingError) as caught:
            mask(table, "{a: drop, b: keep}", check="{no_value_survives: [a]}")
        assert str(caught.value) == (
            'table "t", column "b": 1 original values of "a" stand there as whole cells; `check:` lets none survive, '
            'so that nothing comes out. Mask "b" so that they are gone, or take "a" out of `no_value_survives:`.'
        )
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_a_column_that_is_kept_is_no_exception(self, survivors):
        table = pa.table({"a": [123456, 654321, 123456]})
        assert survivors(table, "[a]") == {("a", "a"): (2, 0)}

    def test_every_column_is_named(self, survivors):
        table = pa.table({"a": ["planted"], "b": ["xxxx"], "c": ["planted"], "d": ["xxxx"]})
        assert survivors(table, "[a, b]", "{a: drop, b: drop}") == {("a", "c"): (1, 1), ("b", "d"): (1, 1)}

    @pytest.mark.parametrize(
        ("original", "output"),
        [
            pytest.param(pa.array([123456]), pa.array(["123456"]), id="a number and its digits"),
            pytest.param(pa.array(["123456"]), pa.array([123456], pa.uint32()), id="digits and their number"),
            pytest.param(pa.array(["-123456"]), pa.array([-123456]).cast(pa.decimal128(19, 0)), id="a whole decimal"),
            pytest.param(pa.array([date(1987, 7, 3)]), pa.array(["1987-07-03"]), id="a date and its text"),
            pytest.param(
                pa.array([datetime(2024, 2, 29, 13, 5, tzinfo=UTC)]),
                pa.array(["2024-02-29T13:05:00Z"]),
                id="a moment and its text",
            ),
            pytest.param(pa.array([b"planted"]), pa.array(["planted"]), id="bytes and text"),
            pytest.param(pa.array([b"planted"], pa.binary(7)), pa.array([b"planted"], pa.binary_view()), id="widths"),
            pytest.param(pa.array(["planted"], pa.string_view()), pa.array(["planted"], pa.large_string()), id="views"),
            pytest.param(
                pa.array(["planted"]).dictionary_encode(), pa.array(["planted"]).dictionary_encode(), id="dictionaries"
            ),
            pytest.param(
                pa.array(["planted"]).dictionary_encode(), pa.array([{"x": ["planted"]}]), id="what is nested deep"
            ),
            pytest.param(
                pa.array([{"x": [["planted"]]}]), pa.array([[("planted", 1)]], pa.map_("string", "int8")), id="keys"
            ),
        ],
    )
    def test_what_counts_is_the_spelling(self, survivors, original, output):
        # The rows are turned around, so that whole cells alone can be found.
        nulls = pa.nulls(1)
        table = pa.table(
            {
                "a": pa.concat_arrays([original, nulls.cast(original.type)]),
                "b": pa.concat_arrays([nulls.cast(output.type), output]),
            }
        )
        path = "'a.x[][]'" if pa.types.is_struct(original.type) else "a"
        (found,) = survivors(table, f"[{path}]", "{a: drop, nothing: keep}").values()
        assert found == (1, 0)

    @pytest.mark.parametrize(
        "original",
        [
            pytest.param(pa.array(["abc", "é1", "", None]), id="texts of fewer than four bytes"),
            pytest.param(pa.array([999, -99, None]), id="numbers of fewer than four digits"),
            pytest.param(pa.nulls(3), id="nulls"),
        ],
    )
    def test_what_is_short_is_not_looked_for(self, survivors, original):
        table = pa.table({"a": original, "b": original})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {}

    def test_four_bytes_are_enough(self, survivors):
        table = pa.table({"a": ["王明", "abcd", "1234"], "b": ["x", "王明", "abcd"], "n": [1234, 5, 6]})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (2, 0), ("a", "n"): (1, 0)}

    def test_floats_and_booleans_have_no_spelling(self, survivors):
        table = pa.table({"a": ["1234.5", "true"], "f": [1234.5, 1.0], "b": [True, True]})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {}

    def test_what_a_null_or_a_dictionary_hides_does_not_count(self, survivors):
        hidden = pa.StructArray.from_arrays([pa.array(["planted", "x"])], ["x"], mask=pa.array([True, False]))
        unused = pa.DictionaryArray.from_arrays(pa.array([1, 1]), pa.array(["planted", "y"]))
        table = pa.table({"a": ["planted", None], "s": hidden, "d": unused})
        assert survivors(table, "[a]", "{a: drop, 's.x': keep, nothing: keep}") == {}
        assert survivors(table, "['s.x', d]", "{a: keep, 's.x': nullify, d: drop, nothing: keep}") == {}


class TestInsideOfTexts:
    """No text of the output has a value of its own row in it."""

    def test_case_makes_no_difference(self, survivors):
        table = pa.table({"a": ["Ann.Lee@x.example", "Ünlü", "OTHER"], "b": ["to ANN.LEE@X.example!", "xünLÜx", "an"]})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (0, 2)}

    def test_the_value_of_another_row_is_no_matter(self, survivors):
        table = pa.table({"a": ["planted", "other"], "b": ["an other", "a planted"]})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {}

    def test_numbers_and_dates_are_found_as_they_are_spelled(self, survivors):
        table = pa.table(
            {"a": [123456, 99], "d": [date(1987, 7, 3), None], "b": ["no 1234567, 99", "99"], "c": ["1987-07-03!", ""]}
        )
        found = survivors(table, "[a, d]", "{a: drop, d: drop, nothing: keep}")
        assert found == {("a", "b"): (0, 1), ("d", "c"): (0, 1)}

    def test_the_row_of_an_element_is_that_of_the_table(self, survivors):
        table = pa.table(
            {
                "a": ["planted", "other one", None],
                "l": [["x", "planted it", None, "PLANTED"], ["planted", ""], None],
                "m": pa.array([[("other one", "x")], [("k", "an other one")], []], pa.map_("string", "string")),
            }
        )
        found = survivors(table, "[a]", "{a: drop, nothing: keep}")
        assert found == {("a", "l[]"): (1, 2), ("a", "m[].key"): (1, 0), ("a", "m[].value"): (0, 1)}

    def test_each_value_of_a_list_is_looked_for(self, survivors):
        names = [f"name {at:04}" for at in range(12)]
        table = pa.table({"l": [names, names[:3], [], None], "b": [names[11] + ".", f"a {names[2]}", names[0], "name"]})
        assert survivors(table, "['l[]']", "{l: drop, nothing: keep}") == {("l[]", "b"): (1, 2)}
        assert survivors(table, "[b]", "{b: drop, nothing: keep}") == {("b", "l[]"): (1, 0)}

    def test_a_value_that_small_letters_make_shorter(self, survivors):
        kelvin = "\N{KELVIN SIGN}"
        table = pa.table({"a": [f"1{kelvin}", f"2{kelvin}"], "b": ["at 1k", "at 1k"]})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (0, 1)}

    def test_bytes_that_are_no_text_are_looked_at_as_they_are(self, survivors):
        broken = pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(np.int32([0, 9])), pa.py_buffer(b"\xff planted")]
        )
        table = pa.table({"a": pa.array([b"planted"]), "b": broken})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (0, 1)}
        bytes_ = pa.table({"a": pa.array([b"\xff\xffPlanted"]), "b": ["planted"]})
        assert survivors(bytes_, "[a]", "{a: drop, nothing: keep}") == {}

    def test_scrub_takes_out_what_it_is_told_to(self, survivors):
        table = pa.table({"name": ["Ann Lee", "Bo Ek"], "note": ["Ann Lee called", "we met Bo Ek"]})
        scrub = "note: {method: scrub, find: [email], also_remove: [name]}"
        assert survivors(table, "[name]", f"{{name: drop, {scrub}}}") == {}
        assert survivors(table, "[name]", "{name: drop, note: {method: scrub, find: [email]}}") == {
            ("name", "note"): (0, 2)
        }

    def test_long_texts_and_many_rows(self, survivors):
        rows = 40_000
        texts = [f"{'x' * (at % 50)}planted {at:06}{'y' * 30}" if at % 1000 == 0 else "z" * 60 for at in range(rows)]
        texts[1] = "q" * 600_000 + "PLANTED 000001"
        table = pa.table({"a": [f"planted {at:06}" for at in range(rows)], "b": texts})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (0, 41)}


WORDS = st.one_of(st.none(), st.text("aAbB é1", max_size=7), st.sampled_from(["abab", "ABAB", "1111", "aé a"]))
TABLES = st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=3), WORDS, st.lists(WORDS, max_size=3)), max_size=12)


def naive(values, texts):
    """Count one value and one text after the other: the different values, and the texts of the same row."""
    long = [[each for each in row if each is not None and len(each.encode()) >= 4] for row in values]
    whole = {each for row in long for each in row} & {each for row in texts for each in row}
    inside = sum(
        text is not None and any(value.lower() in text.lower() for value in mine)
        for mine, row in zip(long, texts, strict=True)
        for text in row
    )
    return (len(whole), inside)


class TestAgainstALoop:
    """What is counted in whole columns is what a loop over all pairs counts."""

    @settings(max_examples=60, deadline=None)
    @given(TABLES, st.integers(1, 5))
    def test_the_same_is_found(self, rows, size):
        flat, lists, kept, more = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
        kind = pa.list_(pa.string())
        table = pa.table(
            {"a": pa.array(flat, pa.string()), "l": pa.array(lists, kind), "b": pa.array(kept, pa.string())}
        ).append_column("m", pa.array(more, kind))
        pieces = pa.Table.from_batches(table.to_batches(max_chunksize=size), schema=table.schema)
        rules = read_rules(
            "version: 1\ntables:\n  t:\n    columns: {a: drop, l: drop, b: keep, m: keep}\n"
            "    check: {no_value_survives: [a, 'l[]']}",
            "r.yaml",
        )
        found = Counter()
        try:
            mask_table(pieces, rules, table_name="t", keys=KeyRing({}))
        except MaskingError as error:
            for line in str(error).splitlines():
                said = SAID.match(line)
                pair = (said["whole"] or said["inside"], said["output"])
                found[pair] = (int(said["values"] or 0), int(said["texts"] or 0))
        one = {"a": [[each] for each in flat], "l[]": lists}
        outputs = {"b": [[each] for each in kept], "m[]": more}
        for path, values in one.items():
            for output, texts in outputs.items():
                assert (found[path, output] or (0, 0)) == naive(values, texts), (path, output)


class TestWhatIsAsked:
    """Which columns are protected is known before the first row."""

    TABLE = pa.table({"a": ["planted"], "f": [1.5], "s": [{"x": "planted"}], "l": [[{"y": "planted"}]], "p.q": ["x"]})

    @pytest.mark.parametrize(
        ("protected", "said"),
        [
            pytest.param(
                "aa", 'there is no column "aa" of single values. Did you mean', id="a column that is not there"
            ),
            pytest.param("s.z", 'there is no column "s.z" of single values.', id="a field that is not there"),
            pytest.param(
                "s",
                'the column "s" does not hold single values. Name what is inside of it, such as "s.x".',
                id="a struct",
            ),
            pytest.param(
                "l",
                'the column "l" does not hold single values. Name what is inside of it, such as "l[].y".',
                id="a list",
            ),
            pytest.param("f", 'the column "f" cannot be looked for: double has no one spelling', id="floats"),
        ],
    )
    def test_what_cannot_be_looked_for_is_refused(self, mask, protected, said):
        with pytest.raises(PlanError) as caught:
            mask(self.TABLE, "{a: keep}", unlisted="keep", check=f"{{no_value_survives: [{protected}]}}")
        assert f"check, no_value_survives: {said}" in str(caught.value)

    @pytest.mark.parametrize(
        ("path", "columns"),
        [
            pytest.param("a", "{'?': drop}", id="under a pattern"),
            pytest.param("s.x", "{s: drop, a: keep, l: keep}", id="inside of what is dropped as a whole"),
            pytest.param("'l[].y'", "{'l[].*': nullify, a: keep, s: keep}", id="under a pattern in a list"),
            pytest.param("p.q", "{'`p.q`': drop, a: keep}", id="a name with a dot as it is"),
            pytest.param("'`p.q`'", "{'`p.q`': drop, a: keep}", id="a name with a dot in backquotes"),
        ],
    )
    def test_a_path_may_be_under_any_rule(self, mask, path, columns):
        table = self.TABLE.drop(["a"]).append_column("a", [["x"]])
        if path == "s.x":
            table = table.drop(["l"]).append_column("l", [["x"]])
        elif path == "'l[].y'":
            table = table.drop(["s"]).append_column("s", [["x"]])
        else:
            table = table.drop(["s", "l"]).append_column("b", [["x"]])
            columns = columns.replace("keep}", "keep, b: keep}") if "'?'" not in columns else columns
        masked, _ = mask(table, columns, unlisted="keep", check=f"{{no_value_survives: [{path}]}}")
        assert masked.num_rows == 1

    def test_both_checks_are_said_at_once(self, mask):
        table = pa.table({"a": ["planted", "planted"]})
        with pytest.raises(MaskingError) as caught:
            mask(table, "{a: keep}", check="{unique: [a], no_value_survives: [a]}")
        unique, survives = str(caught.value).splitlines()
        assert "1 values stand there a second time" in unique
        assert "1 original values" in survives

    def test_rules_that_do_not_ask_have_the_digest_they_had(self):
        asked = "version: 1\ntables:\n  t:\n    columns: {a: drop}\n    check: {unique: [b], no_value_survives: [a]}"
        plain = asked.replace(", no_value_survives: [a]", "")
        assert load_rules(plain).as_json()["tables"]["t"]["check"] == {"unique": ["b"]}
        assert load_rules(asked.replace("[a]", "[]")).digest == load_rules(plain).digest != load_rules(asked).digest


class TestManyRows:
    """More than fits into memory is compared in parts of a file."""

    @pytest.fixture(autouse=True)
    def _little_memory(self, monkeypatch):
        monkeypatch.setattr(records.Records.__init__, "__defaults__", (1000,))
        monkeypatch.setattr("maskgate.masking.table.BATCH_ROWS", 700)

    def test_over_all_batches(self, survivors):
        numbers = pa.array(range(10_000, 20_000))
        table = pa.table({"a": numbers, "b": pa.array(range(30_000, 40_000))})
        assert survivors(table, "[a]", "{a: drop, nothing: keep}") == {}
        again = pa.table({"a": numbers, "b": pa.concat_arrays([table["b"].chunk(0).slice(123), numbers.slice(0, 123)])})
        assert survivors(again, "[a]", "{a: drop, nothing: keep}") == {("a", "b"): (123, 0)}

    def test_no_room_for_the_file(self, mask, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
        with pytest.raises(MaskingError, match=r"`check:` counts does not fit into .*: No such file") as caught:
            mask(pa.table({"a": range(10_000)}), "{a: keep}", check="{no_value_survives: [a]}")
        assert caught.value.__context__ is None
