"""Every method with every type: a sound column of the type that was announced, or a refusal before the first row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate import KeyRing, load_rules, mask_table
from maskgate.errors import PlanError
from maskgate.keys import Key
from maskgate.methods import METHODS
from maskgate.methods.families import family_of
from maskgate.methods.opening import opened_type

KEYS = KeyRing({"k": Key("k", bytes(range(32)))})
RULES = """
version: 1
keys: {k: env:K}
domains: {h: {scheme: hmac}, c: {scheme: cmac, format: integer}, e: {scheme: encrypt}, f: {scheme: fpe, digits: 6}}
tables: {t: {entity: e, columns: {e: keep, c: %s}}}
"""
METHODS_SAID = [
    *("keep", "nullify", "redact", "shuffle", "scrub", "{method: swap, rank_distance: 50}"),
    *("{method: mask, keep_last: 1}", "{method: token, domain: h}", "{method: token, domain: c}"),
    *("{method: token, domain: e}", "{method: token, domain: f}", "{method: retokenize, domain: f, from: 1}"),
    *("{method: fake, kind: name}", "{method: fake, kind: pattern, pattern: '##'}", "{method: generalize, to: month}"),
    *("{method: generalize, band: 10}", "{method: generalize, keep_first: 1}", "{method: top_code, at: 50}"),
    *("{method: bottom_code, not_before: 2000-01-01}", "{method: round, to: 10}", "{method: truncate, length: 1}"),
    *("{method: truncate, to: year}", "{method: noise, scale: 5, min: 0, max: 50}", "{method: shift_date, days: 9}"),
    "{method: pram, retain: 0.5, categories: ['1', '7']}",
]
NUMBERS = [1, 7, None, 1]


def singles():
    yield from (pa.array(NUMBERS, each) for each in (pa.int8(), pa.uint16(), pa.int64(), pa.uint64()))
    yield from (pa.array(NUMBERS, pa.int64()).cast(each) for each in (pa.float16(), pa.float32(), pa.float64()))
    decimals = (
        pa.decimal32(9, 0),
        pa.decimal64(9, 2),
        pa.decimal128(30, 0),
        pa.decimal128(9, -2),
        pa.decimal256(50, 3),
    )
    yield from (
        pa.array([None if each is None else Decimal(each * 100) for each in NUMBERS], kind) for kind in decimals
    )
    days = [date(1999, 5, 4), date(2020, 2, 29), None, date(1999, 5, 4)]
    zones = (pa.timestamp("s"), pa.timestamp("ms", "Europe/Berlin"), pa.timestamp("ns", "UTC"))
    yield from (pa.array(days, pa.date32()).cast(each) for each in (pa.date32(), pa.date64(), *zones))
    yield from (pa.array(NUMBERS, pa.int32()).view(each) for each in (pa.time32("s"), pa.time32("ms")))
    yield from (pa.array(NUMBERS, pa.int64()).view(each) for each in (pa.time64("us"), pa.duration("ns")))
    yield pa.array([None if each is None else (each, 2, 3) for each in NUMBERS], pa.month_day_nano_interval())
    texts = ["1", "", None, "2020-01-01"]
    yield from (pa.array(texts, each) for each in (pa.string(), pa.large_string(), pa.string_view()))
    yield from (pa.array(texts, pa.string()).cast(each) for each in (pa.binary(), pa.large_binary(), pa.binary_view()))
    yield from (
        pa.array([b"", None, b"", b""], pa.binary(0)),
        pa.array([b"abc", None, b"\xff" * 3, b"abc"], pa.binary(3)),
    )
    yield from (pa.array([True, None, False, True]), pa.nulls(4))


def layouts():
    """Return every single type, behind dictionaries and runs, and inside of others."""
    for column in singles():
        yield column
        if not pa.types.is_null(column.type):
            yield pa.DictionaryArray.from_arrays(pa.array([0, 2, None, 3], pa.int8()), column)
            yield pa.RunEndEncodedArray.from_arrays(pa.array([1, 3, 4], pa.int32()), column.slice(1))
    text, number = pa.array(["a", None, "b", ""]), pa.array([1, None, 3, 4])
    offsets = pa.array([0, 1, 1, 3, 4], pa.int32())
    yield pa.StructArray.from_arrays([text, number], ["a", "b"], mask=pa.array([False, True, False, False]))
    yield pa.ListArray.from_arrays(offsets, pc.run_end_encode(text))
    yield pa.FixedSizeListArray.from_arrays(pa.concat_arrays([text, text]), 2)
    yield pa.ListViewArray.from_arrays(offsets[:-1], pa.array([1, 0, 2, 1], pa.int32()), number)
    yield pa.MapArray.from_arrays(offsets, pa.array(list("abcd")), text)
    codes = pa.array([0, 1, 0, 1], pa.int8())
    sparse = pa.UnionArray.from_sparse(codes, [text, number])
    yield from (sparse, pa.ListArray.from_arrays(offsets, sparse), pa.StructArray.from_arrays([sparse], ["a"]))
    yield pa.UnionArray.from_dense(codes, pa.array([0, 0, 1, 1], pa.int32()), [text, number])
    ids = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes([at]) * 16 for at in range(4)], pa.binary(16)))
    yield from (ids, pa.ListArray.from_arrays(offsets, ids), pa.StructArray.from_arrays([ids], ["id"]))
    yield pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None, "1", "[]"]))
    yield pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1, None, 1], pa.int8()))


COLUMNS = list(layouts())


def test_every_method_is_said():
    assert set(METHODS) - {"drop"} == {said.strip("{").removeprefix("method: ").split(",")[0] for said in METHODS_SAID}


@pytest.mark.parametrize("case", ["%s", "[%s, nullify]"], ids=["for every row", "for some rows"])
@pytest.mark.parametrize("said", METHODS_SAID)
def test_a_type_is_masked_or_refused(said, case):
    alone = (said if said.startswith("{") else f"{{method: {said}}}").removesuffix("}")
    whole = f"{alone}, on_invalid: nullify{', when: {e: {at_most: 2}}' if '[' in case else ''}}}"
    rules, name = load_rules(RULES % (case % whole)), alone.removeprefix("{method: ").split(",")[0]
    accepted = METHODS[name].declaration.accepts
    for column in COLUMNS:
        table = pa.table({"e": pa.array(range(len(column))), "c": column})
        refused = ""
        try:
            masked, _ = mask_table(table, rules, table_name="t", keys=KEYS)
        except PlanError as error:
            refused = str(error)
        if refused:
            assert refused.startswith('table "t": column "c" ('), column.type
            assert f"'{name}' takes " in refused or family_of(opened_type(column.type)) in accepted, refused
            continue
        masked.validate(full=True)
        cells = zip(column.to_pylist(), masked["c"].to_pylist(), strict=True)
        assert all(after is None for before, after in cells if before is None), column.type
