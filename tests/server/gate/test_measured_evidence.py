"""k and residual findings, as the gate itself counts them in sealed files."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from maskgate.gate.bare_numbers import BareNumbers
from maskgate.gate.equivalence_classes import EquivalenceClasses, TooManyGroupsError
from maskgate.gate.evidence import judge
from maskgate.gate.model import Floor, Limits, StagingRoot, Thresholds
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.rules import load_rules
from maskgate.testing.staged_tables import staged_bytes, write_staged

HEAD = (
    "version: 1\nkeys: {contact: env:MASKGATE_TEST_KEY}\ndomains: {email: {scheme: hmac, key: contact, prefix: em_}}\n"
)
RULES = load_rules(
    f"{HEAD}tables:\n  people:\n    columns:\n      postcode: keep\n      year: keep\n      street: drop\n"
    "      home.city: keep\n"
)
OVER = ("postcode", "year")


def table(postcodes, years):
    homes = pa.array([{"city": "Oslo"} for _ in postcodes], pa.struct([("city", pa.string())]))
    return pa.table({"postcode": pa.array(postcodes, pa.string()), "year": pa.array(years), "home": homes})


@pytest.fixture(scope="module")
def sealed_of(tmp_path_factory):
    def make(tables, rules=RULES, over=(OVER,)):
        tmp_path = tmp_path_factory.mktemp("sealing")
        staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        staging_id = new_staging_id()
        opened = staging.open(staging_id)
        write_staged(opened.uri, staged_bytes(tables, rules))
        return seal(
            staging,
            staging_id,
            tmp_path / "sealed",
            rules={rules.digest: rules},
            limits=Limits(seal_seconds=60, seal_memory_mb=1024),
            progress=lambda *_: None,
            quasi_identifiers=over,
        )

    return make


def refusals(sealed, rules=RULES, **thresholds):
    return judge(sealed, rules, Floor(), Thresholds(**thresholds)).refusals


class TestK:
    """The smallest group that shares the quasi-identifiers, over all files of a table, a null as a value."""

    CASES: ClassVar = {
        "no rows have no groups": ([], [], None),
        "a single row is alone": (["0150"], [1980], 1),
        "two alike": (["0150", "0150"], [1980, 1980], 2),
        "one of another postcode": (["0150", "0150", "0151"], [1980, 1980, 1980], 1),
        "nulls are a group": ([None, None, "0150", "0150"], [1980, 1980, 1980, 1980], 2),
        "a null fits nobody": ([None, "0150", "0150"], [1980, 1980, 1980], 1),
        "the empty text is no null": (["", None], [1980, 1980], 1),
        "not a number is a value": (["a", "a"], [float("nan"), float("nan")], 2),
    }

    @pytest.fixture(scope="class")
    @classmethod
    def smallest(cls, sealed_of):
        columns = "    columns: {postcode: keep, year: keep, home.city: keep}\n"
        rules = load_rules(f"{HEAD}tables:\n" + "".join(f"  t{at}:\n{columns}" for at in range(len(cls.CASES))))
        tables = {
            f"t{at}": table(postcodes, pa.array(years, pa.float64()))
            for at, (postcodes, years, _) in enumerate(cls.CASES.values())
        }
        return {each.name: each.groups for each in sealed_of(tables, rules).tables}

    @pytest.mark.parametrize("case", CASES)
    def test_smallest(self, smallest, case):
        (groups,) = smallest[f"t{list(self.CASES).index(case)}"]
        expected = self.CASES[case][2]
        assert (groups.asked, groups.present, groups.smallest, groups.counted) == (OVER, OVER, expected, "rows")

    def test_groups_go_over_files(self, sealed_of):
        parts = [table(["0150", "0151"], [1980, 1981]), table(["0151", "0150"], [1981, 1980])]
        (groups,) = sealed_of({"people": parts}).tables[0].groups
        assert groups.smallest == 2

    def test_below_the_threshold_it_is_refused_and_no_value_is_said(self, sealed_of):
        sealed = sealed_of({"people": table(["0150", "0150", "7777"], [1980, 1980, 1980])})
        assert refusals(sealed, k_at_least=1, k_over=OVER) == ()
        (said,) = refusals(sealed, k_at_least=2, k_over=OVER)
        assert said == (
            'table "people": the smallest group that shares "postcode", "year" has 1 rows; the policy wants k of at '
            "least 2. Generalize these columns more, or suppress rare combinations."
        )

    def test_a_column_that_the_rules_drop_need_not_be_there(self, sealed_of):
        over = ("postcode", "street")
        sealed = sealed_of({"people": table(["0150", "0150"], [1, 2])}, over=(over,))
        assert sealed.tables[0].groups[0].present == ("postcode",)
        assert refusals(sealed, k_at_least=2, k_over=over) == ()

    def test_a_column_that_is_nowhere_is_refused(self, sealed_of):
        over = ("postcode", "yaer")
        sealed = sealed_of({"people": table(["0150", "0150"], [1, 1])}, over=(over,))
        (said,) = refusals(sealed, k_at_least=2, k_over=over)
        assert 'the policy wants k over "yaer", but no table has this column and no rule drops it' in said

    def test_k_that_was_not_measured_is_refused(self, sealed_of):
        sealed = sealed_of({"people": table(["0150", "0150"], [1, 1])}, over=())
        assert len(refusals(sealed, k_at_least=2, k_over=OVER)) == 2

    def test_a_field_of_a_struct(self, sealed_of):
        sealed = sealed_of({"people": table(["0150", "0151"], [1, 2])}, over=(("home.city",),))
        assert sealed.tables[0].groups[0].smallest == 2

    def test_people_are_counted_where_the_rules_say_whose_row_it_is(self, sealed_of):
        rules = load_rules(
            f"{HEAD}tables:\n  visits:\n    entity: email\n    columns:\n"
            "      email: {method: token, domain: email}\n      postcode: keep\n"
        )
        one, two = (f"em_{digit * 32}" for digit in "ab")
        visits = pa.table({"email": [one, one, one, two, one], "postcode": ["1", "1", "1", "2", "2"]})
        (groups,) = sealed_of({"visits": visits}, rules, over=(("postcode",),)).tables[0].groups
        assert (groups.smallest, groups.counted) == (1, "email")
        (said,) = refusals(
            sealed_of({"visits": visits}, rules, over=(("postcode",),)), rules, k_at_least=2, k_over=("postcode",)
        )
        assert 'has 1 different values of "email"' in said

    def test_rows_are_counted_where_the_entity_is_redacted(self, sealed_of):
        rules = load_rules(
            f'{HEAD}tables:\n  visits:\n    entity: email\n    columns:\n      email: {{method: redact, with: "***"}}\n'
            "      postcode: keep\n"
        )
        visits = pa.table({"email": ["***", "***"], "postcode": ["1", "1"]})
        (groups,) = sealed_of({"visits": visits}, rules, over=(("postcode",),)).tables[0].groups
        assert (groups.smallest, groups.counted) == (2, "rows")

    def test_more_groups_than_fit_are_refused(self):
        classes = EquivalenceClasses(("postcode",), ("postcode",), None, memory=100)
        classes.add({"postcode": pa.array([str(number) for number in range(1000)])})
        with pytest.raises(TooManyGroupsError):
            classes.as_json()

    def test_groups_of_many_batches_are_merged_exactly(self):
        classes = EquivalenceClasses(("year",), ("year",), None, memory=1 << 20)
        for start in range(0, 3_000_000, 100_000):
            classes.add({"year": pa.array(np.arange(start, start + 100_000) % 1000)})
        classes.add({"year": pa.array([7])})
        assert classes.as_json()["smallest"] == 3000


FOUND_COLUMNS = (
    "  people:\n    columns:\n      notes: keep\n      email: {method: token, domain: email}\n"
    "      nick: {method: fake, kind: email}\n      code: keep\n"
)
FOUND = load_rules(f"{HEAD}tables:\n{FOUND_COLUMNS}")


def people(notes, code):
    return pa.table(
        {
            "notes": notes,
            "email": [f"em_{number:032x}" for number in range(len(notes))],
            "nick": ["kim@example.org"] * len(notes),
            "code": code,
        }
    )


class TestResidualFindings:
    """Cells in which the detectors still find somebody, in every column that may hold original text."""

    NOTES: ClassVar = {
        "nothing": (pa.array(["all is well"] * 100), 0),
        "nulls": (pa.array([None] * 100, pa.string()), 0),
        "one cell, too few for a class": (pa.array(["call ann@example.com"] + ["well"] * 299), 1),
        "cells are counted, not hits": (pa.array(["ann@example.com and bob@example.com"] * 2), 2),
        "other kinds": (pa.array(["4111 1111 1111 1111", "ssn 123-45-6789", "+44 20 7946 0958"]), 3),
        "bytes that are text": (pa.array([b"ann@example.com", b"\xff\xfe"]), 1),
        "bytes that are UTF-16": (pa.array(["ann@example.com".encode("utf-16")]), 1),
        "a dictionary": (pa.array(["ann@example.com", "x"]).dictionary_encode(), 1),
    }
    NUMBERS: ClassVar = {
        "cards as integers": (pa.array([4111111111111111, 5500005555555559, None]), 2),
        "cards as floats": (pa.array([4111111111111111.0, 5500005555555559.0, None]), 2),
        "cards as decimals": (pa.array([Decimal(4111111111111111)] * 3, pa.decimal128(20, 2)), 3),
        "small numbers": (pa.array([1, 2, 3]), 0),
    }

    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, sealed_of):
        cases = {name: (notes, pa.array(range(len(notes)))) for name, (notes, _) in cls.NOTES.items()}
        cases |= {name: (["a", "b", "c"], numbers) for name, (numbers, _) in cls.NUMBERS.items()}
        tables = {name.replace(" ", "_").replace(",", ""): people(*each) for name, each in cases.items()}
        rules = load_rules(f"{HEAD}tables:\n" + "".join(FOUND_COLUMNS.replace("people", name) for name in tables))
        sealed = sealed_of(tables, rules, over=())
        by_name = {
            each.name: {column.name: column.residual_findings for column in each.columns} for each in sealed.tables
        }
        return {case: by_name[name] for case, name in zip(cases, tables, strict=True)}

    @pytest.mark.parametrize("case", NOTES)
    def test_counted(self, found, case):
        assert found[case] == {"notes": self.NOTES[case][1], "email": 0, "nick": 0, "code": 0}

    @pytest.mark.parametrize("case", NUMBERS)
    def test_numbers_count_where_the_whole_column_is_taken_for_cards(self, found, case):
        assert found[case]["code"] == self.NUMBERS[case][1]

    def test_over_the_threshold_they_are_refused_by_column_and_count(self, sealed_of):
        sealed = sealed_of({"people": people(["ann@example.com", "x"], [1, 2])}, FOUND, over=())
        assert refusals(sealed, FOUND, residual_findings_at_most=1) == ()
        (said,) = refusals(sealed, FOUND, residual_findings_at_most=0)
        assert said == (
            "the detectors still find direct identifiers in 1 cells; the policy allows 0. "
            'Mask these columns better: "people"."notes" (1).'
        )


FLOOR = Floor(("drop", "redact", "token"))


class TestFloorOnBytes:
    """Rules that keep everything under harmless names do not get identifiers past the floor."""

    CASES: ClassVar = {
        "addresses": (pa.array(["ann@example.com", "x"]), "email"),
        "phone numbers": (pa.array(["+44 20 7946 0958"]), "phone"),
        "social security numbers": (pa.array(["123-45-6789"]), "national_id"),
        "national insurance numbers": (pa.array(["QQ 12 34 56 C", "AB 12 34 56 C"]), "national_id"),
        "bank accounts": (pa.array(["DE89 3704 0044 0532 0130 00"]), "iban"),
        "cards as text": (pa.array(["4111111111111111"]), "card"),
        "cards as integers": (pa.array([4111111111111111, 5500005555555559]), "card"),
        "cards as floats": (pa.array([4111111111111111.0, None]), "card"),
        "cards as decimals": (pa.array([Decimal(4111111111111111)], pa.decimal128(18, 1)), "card"),
        "addresses of machines": (pa.array(["192.168.10.7", "10.0.0.1"]), "ip_address"),
        "streets": (pa.array(["12 High Street", "5 Mill Lane"]), "street_address"),
        "bytes beside bytes that are no text": (pa.array([b"ann@example.com", b"\xff\x00"]), "email"),
        "bytes of one length": (pa.array([b"ann@example.com"], pa.binary(15)), "email"),
        "a dictionary": (pa.array(["ann@example.com", "x"]).dictionary_encode(), "email"),
        "one in a hundred": (pa.array(["x"] * 99 + ["ann@example.com"]), "email"),
    }
    NAMES: ClassVar = {
        "ssn": (pa.array([123456789, 987654321]), "national_id"),
        "tax_id": (pa.array([123456789.0, None]), "national_id"),
        "last_name": (pa.array(["Berg", "Lie"]), "person_name"),
        "login": (pa.array(["annb", "bobc"]), "username"),
    }

    @pytest.fixture(scope="class")
    @classmethod
    def said(cls, sealed_of):
        rows = 100
        columns = {f"thing{at}": cells for at, (cells, _) in enumerate(cls.CASES.values())}
        columns |= {name: cells for name, (cells, _) in cls.NAMES.items()}
        flat = {name: cells.take(pa.array([at % len(cells) for at in range(rows)])) for name, cells in columns.items()}
        one_each = pa.array(range(rows + 1), pa.int32())
        nested = pa.ListArray.from_arrays(one_each, pa.StructArray.from_arrays(list(flat.values()), list(flat)))
        rules = "".join(f"      {name}: keep\n      parts[].{name}: keep\n" for name in flat)
        rules = load_rules(f"{HEAD}tables:\n  things:\n    columns:\n{rules}")
        sealed = sealed_of({"things": pa.table({**flat, "parts": nested})}, rules, over=())
        return judge(sealed, rules, FLOOR, Thresholds()).refusals

    @pytest.mark.parametrize("where", ["", "parts[]."], ids=["flat", "nested"])
    @pytest.mark.parametrize("case", CASES)
    def test_refused(self, said, case, where):
        self.assert_refused(said, f"{where}thing{list(self.CASES).index(case)}", self.CASES[case][1])

    @pytest.mark.parametrize("where", ["", "parts[]."], ids=["flat", "nested"])
    @pytest.mark.parametrize("name", NAMES)
    def test_known_by_the_name(self, said, name, where):
        self.assert_refused(said, f"{where}{name}", self.NAMES[name][1])

    def test_nothing_else_is_refused(self, said):
        assert len(said) == 2 * (len(self.CASES) + len(self.NAMES))

    def assert_refused(self, said, column, kind):
        (about,) = [each for each in said if f'column "{column}" looks' in each]
        assert f"looks like {kind}, and `keep` is below the policy's floor" in about


class TestBareNumbers:
    """Nine digits say nothing; a column of them that keeps to what was given out does."""

    GIVEN = np.random.default_rng(1).integers(1, 899, 500) * 1_000_000 + np.arange(500) % 99 * 10_000 + 10_001
    GIVEN = GIVEN[GIVEN // 1_000_000 != 666]

    @pytest.mark.parametrize(
        ("cells", "found"),
        [
            pytest.param(pa.array(GIVEN), True, id="integers"),
            pytest.param(pa.array(GIVEN.astype(float)), True, id="floats"),
            pytest.param(pa.array([f"{number:09}" for number in GIVEN]), True, id="text, with zeros in front"),
            pytest.param(pa.array([*GIVEN, None]), True, id="a null beside them"),
            pytest.param(pa.array(GIVEN[:49]), False, id="too few"),
            pytest.param(pa.array([*GIVEN, 666_123_456]), False, id="one that was never given out"),
            pytest.param(pa.array([*GIVEN, 5]), False, id="a small number"),
            pytest.param(pa.array(range(100_000_001, 100_005_000)), False, id="a counter"),
            pytest.param(pa.array([*(str(number) for number in GIVEN), "x"]), False, id="other text"),
            pytest.param(pa.array([1.5] * 100), False, id="fractions"),
            pytest.param(pa.array([None] * 100, pa.int64()), False, id="nulls"),
            pytest.param(pa.array([True] * 100), False, id="truth"),
        ],
    )
    def test_found(self, cells, found):
        numbers = BareNumbers()
        for start in range(0, len(cells), 64):
            numbers.add(cells.slice(start, 64))
        assert numbers.are_found is found

    def test_it_is_below_the_floor_under_any_name(self, sealed_of):
        rules = load_rules(f"{HEAD}tables:\n  things:\n    columns:\n      reference: keep\n")
        sealed = sealed_of({"things": pa.table({"reference": self.GIVEN})}, rules, over=())
        (said,) = judge(sealed, rules, FLOOR, Thresholds()).refusals
        assert "looks like national_id, and `keep` is below the policy's floor" in said
