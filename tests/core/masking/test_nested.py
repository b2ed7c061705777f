from __future__ import annotations

import io
import random
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from core.masking.haunted_nesting import GHOST, GONE, Expectation, Haunting, all_bytes, paths

from maskgate.errors import PlanError
from maskgate.keys import KeyRing
from maskgate.masking import MaskingPlan

SEEDS = range(120)
CONTACT = pa.struct([("email", pa.string()), ("since", pa.date32())])
NESTED = pa.schema(
    {
        "id": pa.int64(),
        "address": pa.struct([("street", pa.string()), ("city", pa.string())]),
        "contacts": pa.large_list(CONTACT),
        "attributes": pa.map_(pa.string(), pa.string()),
        "name": pa.string(),
    }
)


def written(table):
    """Every byte of a table as it travels between processes."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


class TestEveryNesting:
    """Whatever is nested in whatever: each cell by its rule, nulls and lengths as before, no byte beside the cells."""

    @pytest.fixture(params=SEEDS)
    def haunted(self, request):
        """A column of random type with its cells, and methods for what is in it."""
        chance = random.Random(request.param)
        haunting = Haunting(chance)
        kind = haunting.type(3)
        rows = chance.randint(0, 6)
        cells = [haunting.cell(kind) for _ in range(rows + 2)]
        column = haunting.column(cells, kind).slice(1, rows)
        column.validate(full=True)
        assert column.to_pylist() == cells[1:-1]
        methods = {path: chance.choice(["keep", "redact", "nullify", "drop"]) for path in paths(kind, "c")}
        methods |= {path: chance.choice(["keep", "redact"]) for path in methods if path.endswith(".key")}
        for end in [path.removesuffix("key") + "value" for path in methods if path.endswith(".key")]:
            inside = [path for path in methods if path.startswith(end)]
            if all(methods[path] == "drop" for path in inside):
                methods[inside[0]] = "nullify"  # a map does not lose its values alone
        return pa.table({"id": range(rows), "c": column}), cells[1:-1], methods

    def test_each_cell_by_its_rule(self, haunted, mask):
        table, cells, methods = haunted
        kind = table.schema.field("c").type
        expectation = Expectation(methods)
        rules = ", ".join(f"'{path}': {method}" for path, method in {"id": "keep", **methods}.items())
        masked, report = mask(table, f"{{{rules}}}")
        assert set(report.columns) == {"id", *methods}
        if expectation.of(None, kind, "c") is GONE:
            assert masked.schema.names == ["id"]
            return
        assert masked["c"].to_pylist() == [expectation.of(cell, kind, "c") for cell in cells]
        content = written(masked) + b"".join(map(all_bytes, masked["c"].chunks))
        assert GHOST[:4].encode() not in content
        assert "keep" in methods.values() or b"Ann" not in content
        cut = pa.Table.from_batches(table.to_batches(max_chunksize=2), schema=table.schema)
        assert mask(cut, f"{{{rules}}}")[0].to_pylist() == masked.to_pylist()

    def test_a_whole_column_is_kept_without_what_lies_beside_its_cells(self, haunted, mask):
        table, cells, _ = haunted
        masked, _ = mask(table, "{id: keep, c: keep}")
        assert masked["c"].to_pylist() == cells
        assert GHOST[:4].encode() not in written(masked) + b"".join(map(all_bytes, masked["c"].chunks))


class TestLayouts:
    """A layout around the cells comes off, or stays, and never stands in the way."""

    def test_a_dictionary_of_structs_is_decoded(self, mask):
        entries = pa.array([{"a": "planted", "b": 0}, {"a": "x", "b": 1}])
        column = pa.DictionaryArray.from_arrays(pa.array([1, None, 1]), entries)
        masked, _ = mask(pa.table({"c": column}), "{c.a: redact, c.b: keep}")
        assert masked["c"].to_pylist() == [{"a": "***", "b": 1}, None, {"a": "***", "b": 1}]
        assert b"planted" not in written(masked)

    @pytest.mark.parametrize("method", ["keep", "{method: mask, keep_last: 1}"])
    def test_run_ends_are_decoded(self, mask, method):
        column = pc.run_end_encode(pa.array(["planted", "ab", "ab", None, "planted"])).slice(1, 3)
        masked, _ = mask(pa.table({"c": column}), f"{{c: {method}}}")
        assert masked.schema.field("c").type == pa.string()
        assert [cell and cell[-1] for cell in masked["c"].to_pylist()] == ["b", "b", None]
        assert b"planted" not in written(masked)

    @pytest.mark.parametrize("rule", ["{c.id: keep}", "{c: keep}"], ids=["by a rule of its own", "with all around it"])
    def test_an_extension_inside_leaves_as_what_it_stores_and_a_uuid_as_its_text(self, mask, rule):
        column = pa.StructArray.from_arrays([pa.array([bytes(16)], pa.uuid())], ["id"])
        masked, _ = mask(pa.table({"c": column}), rule)
        assert masked.schema.field("c").type == pa.struct([("id", pa.string())])
        assert masked["c"].to_pylist() == [{"id": "00000000-0000-0000-0000-000000000000"}]

    def test_the_order_of_fields_and_the_kind_of_list_stay(self, mask):
        kind = pa.list_view(
            pa.struct([("z", pa.string()), ("a", pa.string()), ("m", pa.dictionary(pa.int8(), pa.string()))])
        )
        masked, _ = mask(pa.table({"c": pa.array([[{"z": "1", "a": "2", "m": "3"}]], kind)}), "{'c[].*': redact}")
        assert masked.schema.field("c").type == kind

    def test_lists_of_no_elements_of_fixed_size(self, mask):
        table = pa.table({"c": pa.array([[], None], pa.list_(pa.string(), 0))})
        for rules in ("{c: keep}", "{'c[]': redact}"):
            assert mask(table, rules)[0].to_pylist() == [{"c": []}, {"c": None}]


class TestPromises:
    """No field promises what masking may break: what a null hides goes away, and leaves nulls in the fields."""

    @pytest.mark.parametrize("method", ["keep", "nullify"])
    def test_fields_that_were_never_null_may_be(self, mask, method):
        inner = pa.field("inner", pa.string(), nullable=False)
        inside = pa.struct([inner])
        cells = [{"inner": "planted"}]
        kinds = [inside, *(build(pa.field("element", inside, nullable=False)) for build in (pa.list_, pa.list_view))]
        kinds += [pa.list_(pa.field("element", inside, nullable=False), 1), pa.map_(pa.string(), inner)]
        columns = [pa.array([cells[0] if kind is inside else cells, None], kind) for kind in kinds[:-1]]
        columns.append(pa.array([[("k", "planted")], None], kinds[-1]))
        table = pa.table(
            {f"c{at}": column for at, column in enumerate(columns) if not pa.types.is_list_view(column.type)}
        )
        masked, _ = mask(table, f"{{'*': {method}}}")
        pq.write_table(masked, pa.BufferOutputStream())
        assert masked.to_pylist() == (
            table.to_pylist() if method == "keep" else [dict.fromkeys(table.schema.names)] * 2
        )
        views, _ = mask(pa.table({"c": columns[2]}), f"{{c: {method}}}")
        assert views.schema.field("c").type == pa.list_view(pa.field("element", pa.struct([("inner", pa.string())])))


class TestSurroundings:
    """What belongs to a row belongs to every element in it."""

    @pytest.fixture
    def people(self):
        """Two people with several dates each, the same ones once flat and once in lists."""
        days = [[date(2020, 1, 1), None, date(2021, 5, 5)], [date(2020, 1, 1)], None]
        accounts = pa.array([{"id": 1}, {"id": 2}, {"id": 3}])
        lists = pa.array([day and [{"on": each, "who": 7} for each in day] for day in days])
        return pa.table({"account": accounts, "visits": lists, "first": [day and day[0] for day in days]})

    def test_the_entity_may_be_in_a_struct_and_counts_for_elements(self, people, mask):
        shift = "{method: shift_date, days: 90}"
        rules = f"{{account: keep, first: {shift}, 'visits[].on': {shift}, 'visits[].who': keep}}"
        rows = mask(people, rules, entity="account.id")[0].to_pylist()
        assert [row["visits"] and row["visits"][0]["on"] for row in rows] == [row["first"] for row in rows]
        first = rows[0]["visits"]
        assert first[1]["on"] is None
        assert (first[2]["on"] - first[0]["on"]).days == (date(2021, 5, 5) - date(2020, 1, 1)).days

    def test_a_method_reads_the_row_or_its_siblings_in_the_same_element(self, mask):
        rows = [{"name": "Ann", "notes": [{"by": "Bob", "text": "Ann asked Bob"}, {"by": "Cy", "text": "Bob, Cy"}]}]
        scrub = "{method: scrub, find: [email], also_remove: [name, 'notes[].by'], replace_with: type}"
        masked, _ = mask(pa.Table.from_pylist(rows), f"{{name: drop, 'notes[].by': drop, 'notes[].text': {scrub}}}")
        texts = [each["text"] for each in masked.to_pylist()[0]["notes"]]
        assert not any(name in texts[0] for name in ("Ann", "Bob"))
        assert "Cy" not in texts[1]
        assert "Bob" in texts[1], "what stands in another element is not removed"

    def test_the_entity_is_not_in_a_list(self, people, mask):
        with pytest.raises(PlanError, match=r'the entity column "account\.nr" is not in the data'):
            mask(people, "{account: keep, visits: keep, first: keep}", entity="account.nr")


class TestPlan:
    """Rules that lead nowhere, or leave something out, are refused before the first row."""

    def problems(self, rules, schema=NESTED):
        with pytest.raises(PlanError) as caught:
            MaskingPlan.make(rules, "t", schema, KeyRing({}))
        return [line.removeprefix('table "t": ') for line in str(caught.value).splitlines()]

    REST = "id: keep, name: keep, attributes: keep, "

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            pytest.param(
                "address.street: drop, contacts: keep",
                'column "address.city" (string) is not covered by any rule. Add a rule, or write `address.city: keep`.',
                id="a field without a rule",
            ),
            pytest.param(
                "address.stret: drop, address.*: keep, contacts: keep",
                "column \"address.stret\" has a rule, and `address` has no such field. Did you mean 'street'?",
                id="a field that is not there",
            ),
            pytest.param(
                "address: keep, address.city: drop, contacts: keep",
                'column "address.city" has a rule, and so has "address" as a whole. Take one of them out.',
                id="a rule on the whole and one inside",
            ),
            pytest.param(
                "address: keep, contacts.email: drop",
                'column "contacts.email" has a rule, and `contacts` is a list. '
                "For what is in it, write `contacts[].email`.",
                id="a list without brackets",
            ),
            pytest.param(
                "'address[]': keep, contacts: keep",
                'column "address[]" has a rule, and `address` is a struct, and has fields. Write `address.NAME`.',
                id="a struct with brackets",
            ),
            pytest.param(
                "'contacts[].email.user': keep, 'contacts[].since': keep, address: keep",
                'column "contacts[].email.user" has a rule, and `contacts[].email` (string) has nothing inside. '
                "Write a rule for `contacts[].email` itself.",
                id="inside of a text",
            ),
            pytest.param(
                "adress.street: drop, address: keep, contacts: keep",
                'column "adress.street" has a rule, and the data has no such column. '
                "Take its rule out, or mask the data it was written for.",
                id="a column that is not there",
            ),
        ],
    )
    def test_refuses(self, make_rules, columns, said):
        assert said in self.problems(make_rules(f"{{{self.REST}{columns}}}", entity="id"))

    def test_everything_is_said_at_once(self, make_rules):
        rules = make_rules("{'i?': keep, address.city: {method: generalize, band: 3}, 'contacts[].nr': drop}")
        uncovered = "is not covered by any rule. Add a rule, or write"
        assert self.problems(rules) == [
            f'column "address.street" (string) {uncovered} `address.street: keep`.',
            "column \"address.city\" (string): 'generalize': `band:` generalizes numbers, not string.",
            'column "contacts[].nr" has a rule, and `contacts[]` has no such field. Known are: email, since.',
            f'column "contacts[].email" (string) {uncovered} `contacts[].email: keep`.',
            f'column "contacts[].since" (date32[day]) {uncovered} `contacts[].since: keep`.',
            f'column "attributes" (map<string, string>) {uncovered} `attributes: keep`.',
            f'column "name" (string) {uncovered} `name: keep`.',
        ]

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            pytest.param(
                "'attributes[].value': drop, 'attributes[].key': keep",
                'column "attributes[].value": a map cannot lose its keys or its values alone. Drop both.',
                id="values alone",
            ),
            pytest.param(
                "'attributes[].key': nullify, 'attributes[].value': keep",
                'column "attributes[].key" (string): the key of a map cannot be null. '
                "Choose another method, or drop keys and values.",
                id="a key that is null",
            ),
            pytest.param(
                "'attributes[].key': {method: redact, on_invalid: nullify}, 'attributes[].value': keep",
                'column "attributes[].key" (string): the key of a map cannot be null. '
                "Choose another method, or drop keys and values.",
                id="a key that may become null",
            ),
            pytest.param(
                "'attributes[]': keep",
                'column "attributes[]" has a rule, and an entry of a map is a key and a value. '
                "Write `attributes[].key` and `attributes[].value`.",
                id="entries as a whole",
            ),
            pytest.param(
                "'attributes[].name': keep, 'attributes[].*': keep",
                'column "attributes[].name" has a rule, and `attributes[]` has no such field. Known are: key, value.',
                id="something else in an entry",
            ),
        ],
    )
    def test_refuses_what_a_map_cannot_do(self, make_rules, columns, said):
        rules = make_rules(f"{{id: keep, name: keep, address: keep, contacts: keep, {columns}}}")
        assert self.problems(rules) == [said]

    def test_what_is_not_listed_inside_follows_the_rest(self, mask):
        table = pa.Table.from_pylist([{"a": {"x": "1", "y": "2"}, "l": [{"x": "1", "y": "2"}]}])
        for unlisted, kept in (
            ("drop", {"x": "***"}),
            ("nullify", {"x": "***", "y": None}),
            ("keep", {"x": "***", "y": "2"}),
        ):
            masked, report = mask(table, "{a.x: redact, 'l[].x': redact}", unlisted=unlisted)
            assert masked.to_pylist() == [{"a": kept, "l": [kept]}]
            assert set(report.columns) == {"a.x", "a.y", "l[].x", "l[].y"}

    def test_the_plan_has_one_entry_for_each_rule(self, make_rules):
        rules = make_rules("{id: keep, name: drop, address.*: drop, 'contacts[].*': keep, 'attributes[].*': redact}")
        plan = MaskingPlan.make(rules, "t", NESTED, KeyRing({}))
        assert {column.input: column.output for column in plan.columns} == {
            "id": "id",
            "address.street": None,
            "address.city": None,
            "contacts[].email": "contacts[].email",
            "contacts[].since": "contacts[].since",
            "attributes[].key": "attributes[].key",
            "attributes[].value": "attributes[].value",
            "name": None,
        }
        assert plan.output_schema.names == ["id", "contacts", "attributes"]
