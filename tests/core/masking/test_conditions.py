from __future__ import annotations

import io
from datetime import date, datetime

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError, PlanError
from maskgate.methods import Declaration, Domain, Family, Method, Shape, Surroundings

ROWS = pa.table(
    {
        "cell": ["planted-0", "planted-1", "planted-2", None],
        "country": pa.array(["DE", "AT", None, "FR"]).dictionary_encode(),
        "age": pa.array([17, 42, None, 99], pa.int16()),
        "height": pa.array([1.5, 2.25, None, 0.1], pa.float32()),
        "balance": [0.0, -0.0, None, 1.0],
        "debt": pa.array(["1.50", "-2.00", None, "0.00"]).cast(pa.decimal128(9, 2)),
        "active": pa.array([True, False, None, True]),
        "born": pa.array([date(1936, 1, 1), date(1987, 7, 3), None, date(2024, 2, 29)]),
        "seen": pa.array([datetime(2024, 2, 29, 13), datetime(1970, 1, 1), None, datetime(2000, 1, 1)]),  # noqa: DTZ001  Arrow's zoneless type
        "zoned": pa.array([0, 3600, None, 7200], pa.timestamp("s", "Europe/Berlin")),
        "photo": pa.array([b"a", b"", None, b"b"]),
        "tags": pa.array([["a"], [], None, ["b"]]),
        "nothing": pa.nulls(4),
    }
)
REST = ", ".join(f"{name}: keep" for name in ROWS.schema.names if name != "cell")


def written(table):
    """Every byte of a table as it travels between processes."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


class TestConditions:
    """A case is for the rows whose original values hold; a null holds for `null` alone."""

    @pytest.mark.parametrize(
        ("when", "rows"),
        [
            pytest.param("country: DE", [0], id="a value"),
            pytest.param("country: [DE, FR]", [0, 3], id="one of several values"),
            pytest.param("country: null", [2], id="null"),
            pytest.param("country: [AT, null]", [1, 2], id="a value or null"),
            pytest.param("country: {not: DE}", [1, 3], id="another value, and not null"),
            pytest.param("country: {not: [DE, null]}", [1, 3], id="neither"),
            pytest.param("country: {not: null}", [0, 1, 3], id="not null"),
            pytest.param("country: {matches: T$}", [1], id="a pattern that is found"),
            pytest.param("country: {not: {matches: '^[AD]'}}", [3], id="a pattern that is not found"),
            pytest.param("age: {at_least: 42}", [1, 3], id="at least, inclusive"),
            pytest.param("age: {at_least: 18, at_most: 42}", [1], id="between, inclusive"),
            pytest.param("age: {not: {at_most: 17}}", [1, 3], id="not at most, and not null"),
            pytest.param("age: [17, 99.0]", [0, 3], id="whole numbers, however they are written"),
            pytest.param("height: 0.1", [3], id="a float of the column's own width"),
            pytest.param("balance: 0", [0, 1], id="zero, of either sign"),
            pytest.param("balance: {not: [0, 2]}", [3], id="not zero, of either sign"),
            pytest.param("debt: {at_most: -0.5}", [1], id="a decimal"),
            pytest.param("debt: 1.5", [0], id="an equal decimal"),
            pytest.param("active: true", [0, 3], id="a boolean"),
            pytest.param("active: {not: true}", [1], id="not a boolean, and not null"),
            pytest.param('born: {at_least: "1987-07-03"}', [1, 3], id="a date"),
            pytest.param('seen: "2024-02-29T13:00:00"', [0], id="a moment"),
            pytest.param('seen: {at_most: "1999-12-31"}', [1], id="a day's first moment"),
            pytest.param('zoned: "1970-01-01T01:00:00Z"', [1], id="a moment that says that it is in UTC"),
            pytest.param('seen: "2024-02-29T14:00:00+01:00"', [0], id="a moment with its offset"),
            pytest.param(
                'zoned: {at_least: "1970-01-01T10:00:00+09:00", at_most: "1970-01-01T01:30:00"}',
                [1],
                id="bounds with different offsets",
            ),
            pytest.param('zoned: {at_least: "1970-01-01T01:00:00"}', [1, 3], id="a moment in UTC"),
            pytest.param("photo: null", [2], id="bytes that are null"),
            pytest.param("tags: {not: null}", [0, 1, 3], id="lists that are not null"),
            pytest.param("nothing: null", [0, 1, 2, 3], id="always"),
            pytest.param("nothing: {not: null}", [], id="never"),
            pytest.param("country: [DE, AT], age: {at_least: 18}", [1], id="several columns, all of them"),
            pytest.param("cell: planted-1", [1], id="the column itself"),
        ],
    )
    def test_holds(self, mask, when, rows):
        case = f"cell: [{{when: {{{when}}}, method: redact, with: yes}}, {{method: redact, with: no}}]"
        masked, _ = mask(ROWS, f"{{{case}, {REST}}}")
        expected = [
            None if cell is None else "yes" if at in rows else "no" for at, cell in enumerate(ROWS["cell"].to_pylist())
        ]
        assert masked["cell"].to_pylist() == expected

    @pytest.mark.parametrize(
        ("when", "said"),
        [
            pytest.param("age: DE", 'int16 is compared with a whole number that it can hold, not "DE"', id="text"),
            pytest.param(
                "age: 1.5", "int16 is compared with a whole number that it can hold, not 1.5", id="a fraction"
            ),
            pytest.param(
                "age: 40000", "int16 is compared with a whole number that it can hold, not 40000", id="too large"
            ),
            pytest.param(
                "age: true", "int16 is compared with a whole number that it can hold, not true", id="a boolean"
            ),
            pytest.param("country: 1", "string is compared with a text; quote it, not 1", id="a number for a text"),
            pytest.param(
                "country: {at_least: A}", "`at_most:` are for numbers, dates and moments, not string", id="order"
            ),
            pytest.param("age: {matches: '1'}", "`matches:` is for text, not int16", id="a pattern for numbers"),
            pytest.param(
                "debt: 0.125", "decimal128(9, 2) is compared with a number that it can hold", id="a finer decimal"
            ),
            pytest.param("active: 1", "bool is compared with true or false, not 1", id="a number for a boolean"),
            pytest.param("born: 1936", 'compared with a date such as "2024-02-29", not 1936', id="a year for a date"),
            pytest.param("seen: noon", 'compared with a moment such as "2024-02-29T13:05:00" (UTC)', id="no moment"),
            pytest.param("photo: a", "binary can only be compared with null", id="bytes"),
            pytest.param("tags: a", "can only be compared with null", id="a list"),
            pytest.param(
                "contry: DE", "it is not in the data. Did you mean 'country'?", id="a column that is not there"
            ),
            pytest.param("'tags[]': a", "it is inside of a list, so that there may be many for one", id="many for one"),
        ],
    )
    def test_refuses(self, mask, when, said):
        case = f"cell: [{{when: {{{when}}}, method: redact}}, keep]"
        with pytest.raises(PlanError) as caught:
            mask(ROWS, f"{{{case}, {REST}}}")
        assert said in str(caught.value)
        assert 'column "cell", when "' in str(caught.value)

    def test_within_a_list_a_sibling_is_that_of_the_same_element(self, mask):
        contacts = [
            [{"kind": "home", "value": "a"}, {"kind": "work", "value": "b"}, None],
            None,
            [{"kind": None, "value": "c"}],
        ]
        table = pa.table({"vip": [True, False, False], "contacts": contacts})
        rules = """{vip: keep, 'contacts[].kind': drop, 'contacts[].value': [
            {when: {'contacts[].kind': home}, method: redact, with: home},
            {when: {vip: true}, method: redact, with: vip}, {method: redact, with: other}]}"""
        assert mask(table, rules)[0]["contacts"].to_pylist() == [
            [{"value": "home"}, {"value": "vip"}, None],
            None,
            [{"value": "other"}],
        ]

    def test_a_key_of_a_map_is_the_sibling_of_its_value(self, mask):
        table = pa.table({"m": pa.array([[("a", "1"), ("b", "2")], None, []], pa.map_(pa.string(), pa.string()))})
        rules = "{'m[].key': keep, 'm[].value': [{when: {'m[].key': a}, method: redact}, keep]}"
        assert mask(table, rules)[0]["m"].to_pylist() == [[("a", "***"), ("b", "2")], None, []]


class TestCases:
    """Each case sees its own rows only, and the column that comes out has one type and one order."""

    def test_originals_of_other_rows_stay_behind(self, mask):
        rules = "{cell: [{when: {country: DE}, method: keep}, redact], " + REST + "}"
        masked, report = mask(ROWS, rules)
        assert masked["cell"].to_pylist() == ["planted-0", "***", "***", None]
        assert b"planted-1" not in written(masked)
        assert report.columns["cell"].method == "keep or redact"
        assert (report.columns["cell"].nulls, report.columns["cell"].nulls_after) == (1, 1)

    @pytest.mark.parametrize("size", [1, 2, 1000])
    def test_it_does_not_matter_how_the_table_is_cut(self, mask, size):
        many = pa.concat_tables([ROWS] * 3)
        rules = (
            "{cell: [{when: {country: DE}, method: redact}, {when: {age: 42}, method: keep}, nullify], " + REST + "}"
        )
        whole, report = mask(many.combine_chunks(), rules)
        cut, cut_report = mask(pa.Table.from_batches(many.combine_chunks().to_batches(max_chunksize=size)), rules)
        assert whole["cell"].to_pylist() == ["***", "planted-1", None, None] * 3
        assert cut["cell"].to_pylist() == whole["cell"].to_pylist()
        assert cut_report == report

    def test_a_case_fails_on_its_own_rows_alone(self, mask):
        """A row whose entity is unknown hurts only where the entity counts."""
        table = pa.table({"who": [1, None], "at": [date(2020, 1, 1), date(2020, 1, 1)], "kind": ["a", "b"]})
        rules = "{{who: keep, kind: keep, at: [{{when: {{kind: {kind}}}, method: shift_date, days: 9}}, nullify]}}"
        masked, _ = mask(table, rules.format(kind="a"), entity="who")
        assert masked["at"].is_null().to_pylist() == [False, True]
        with pytest.raises(MaskingError, match="no entity"):
            mask(table, rules.format(kind="b"), entity="who")

    @pytest.mark.parametrize(
        ("column", "cases", "kind", "cells"),
        [
            pytest.param(
                pa.array([1, 2]), "redact}, keep", pa.string(), ["***", "2"], id="kept numbers are written out"
            ),
            pytest.param(
                pa.array(["a", "b"], pa.string_view()),
                "redact}, keep",
                pa.large_string(),
                ["***", "b"],
                id="text layouts",
            ),
            pytest.param(
                pa.array(["a", "b"]).dictionary_encode(), "keep}, redact", pa.string(), ["a", "***"], id="a dictionary"
            ),
            pytest.param(pa.array([1, 2], pa.int8()), "nullify}, keep", pa.int8(), [None, 2], id="nulls take any type"),
            pytest.param(
                pa.array([[1], [2]]), "nullify}, keep", pa.list_(pa.int64()), [None, [2]], id="nested, as a whole"
            ),
            pytest.param(
                pa.array([{"a": 1}, {"a": 2}]), "nullify}, redact", pa.string(), [None, "***"], id="no struct left"
            ),
        ],
    )
    def test_one_type_comes_out(self, mask, column, cases, kind, cells):
        table = pa.table({"at": [0, 1], "c": column})
        masked, _ = mask(table, f"{{at: keep, c: [{{when: {{at: 0}}, method: {cases}]}}")
        assert masked.schema.field("c").type == kind
        assert masked["c"].to_pylist() == cells

    @pytest.mark.parametrize(
        ("column", "cases", "said"),
        [
            pytest.param(
                pa.array([date(2020, 1, 1)]),
                "generalize, to: year}, keep",
                'column "c" (date32[day]): its cases give int32, date32[day], and a column has one type. '
                "Choose methods that give the same.",
                id="a year and a date",
            ),
            pytest.param(
                pa.array([1.5]), "redact}, keep", "its cases give string, double", id="floats are not written out"
            ),
            pytest.param(
                pa.array([[1]]), "redact}, keep", "its cases give string, list<item: int64>", id="nor are lists"
            ),
        ],
    )
    def test_several_types_are_refused(self, mask, column, cases, said):
        with pytest.raises(PlanError) as caught:
            mask(pa.table({"c": column}), f"{{c: [{{when: {{c: null}}, method: {cases}]}}")
        assert said in str(caught.value)

    def test_no_rows(self, mask):
        masked, report = mask(ROWS.slice(0, 0), "{cell: [{when: {country: DE}, method: keep}, redact], " + REST + "}")
        assert masked.schema.field("cell").type == pa.string()
        assert masked.num_rows == report.rows == 0


class EvenOnly(Method):
    """Stands for a method that cannot take every value: it takes even numbers, and writes them out."""

    declaration = Declaration("even_only", "", "", frozenset({Family.INTEGER}))

    @classmethod
    def configure(cls, _options, _domain: Domain | None):
        return cls()

    def output_type(self, _input_type):
        return pa.string()

    def shape(self):
        return Shape(pattern="[0-9]+")

    def invalid(self, column, _surroundings: Surroundings):
        return pa.array([cell is not None and cell % 2 == 1 for cell in column.to_pylist()], pa.bool_())

    def apply(self, column, surroundings):
        if self.invalid(column, surroundings).true_count:
            raise MaskingError(f'column "{surroundings.column}": odd values')
        return column.cast(pa.string())


class TestOnInvalid:
    """What a method cannot take stops the run, or is made null or `***` before the method looks."""

    @pytest.mark.parametrize(
        ("action", "cells", "after"),
        [
            pytest.param("nullify", [None, "2", None, None], 3, id="null"),
            pytest.param("redact", ["***", "2", "***", None], 1, id="stars"),
        ],
    )
    def test_something_is_done_about_it(self, mask, add_method, action, cells, after):
        add_method(EvenOnly)
        rules = f"{{c: {{method: even_only, on_invalid: {action}}}}}"
        masked, report = mask(pa.table({"c": [1, 2, 3, None]}), rules)
        assert masked["c"].to_pylist() == cells
        column = report.columns["c"]
        assert (column.nulls, column.nulls_after, column.invalid) == (1, after, 2)
        assert column.as_json() == {"method": "even_only", "nulls": 1, "invalid": 2}

    def test_its_shape_has_room_for_stars(self, mask, make_rules, add_method):
        add_method(EvenOnly)
        rules = "{c: {method: even_only, on_invalid: redact}}"
        shape = make_rules(rules).tables["t"].columns["c"].shape()
        assert shape.violations(mask(pa.table({"c": [1, 2]}), rules)[0]["c"]) == 0
        assert shape.violations(pa.array(["***", "2", "odd"])) == 1

    def test_otherwise_the_run_stops(self, mask, add_method):
        add_method(EvenOnly)
        with pytest.raises(MaskingError, match="odd values"):
            mask(pa.table({"c": [1, 2]}), "{c: even_only}")

    def test_stars_need_text(self, mask):
        noise = "{method: noise, scale: 1, min: 0, max: 9, on_invalid: redact}"
        with pytest.raises(
            PlanError, match=r'"c" \(double\): `on_invalid: redact` writes a text, and \'noise\' gives double'
        ):
            mask(pa.table({"id": [1], "c": [1.5]}), f"{{id: keep, c: {noise}}}", entity="id")

    def test_a_dictionary_comes_out_plain_where_stars_may_be_added(self, mask):
        table = pa.table({"c": pa.array(["a", "b"]).dictionary_encode()})
        assert mask(table, "{c: {method: mask, on_invalid: redact}}")[0].schema.field("c").type == pa.string()
