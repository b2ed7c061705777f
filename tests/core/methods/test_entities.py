"""A draw belongs to key, context, entity and value, however the entity is kept."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import Surroundings
from maskgate.methods.entities import ROWS, EntityDraws
from maskgate.methods.whole_numbers import whole_numbers

KEY = Key("people", bytes(range(32)))
NUMBERS = [0, 1, -1, 42, 10**18 - 1, -(10**18) + 1]


def drawn(entity, values=None, *, key=KEY, context="", purpose="noise"):
    entity = entity if isinstance(entity, pa.Array) else pa.array(entity)
    column = pa.array(range(len(entity)))
    draws = EntityDraws(column, Surroundings("t", "c", key, entity), purpose=purpose, context=context)
    values = None if values is None else np.array(values, np.uint64)
    parts = [draws.draw(rows, None if values is None else values[rows]).copy() for rows in draws.portions()]
    return np.concatenate([np.zeros((0, 2), np.uint64), *parts])


class TestDraws:
    def test_no_rows_no_draws(self):
        assert drawn(pa.array([], pa.string())).shape == (0, 2)

    def test_one_entity_one_draw_wherever_it_stands(self):
        """Also beyond the rows that are drawn at a time."""
        out = drawn([7] * (2 * ROWS + 5), [9] * (2 * ROWS + 5))
        assert len(np.unique(out, axis=0)) == 1

    @pytest.mark.parametrize(
        "entities",
        [
            pytest.param(list(range(5000)), id="numbers"),
            pytest.param([f"c{number}" for number in range(5000)], id="names"),
            pytest.param([str(number) if number % 2 else f"{number}x" for number in range(5000)], id="both"),
        ],
    )
    def test_no_two_entities_or_values_share_one(self, entities):
        once, again = drawn(entities, [1] * 5000), drawn(entities, [2] * 5000)
        assert len(np.unique(np.concatenate([once, again]), axis=0)) == 10_000

    def test_a_name_and_its_neighbour_with_other_values(self):
        """Entity and value do not run into each other."""
        out = drawn(["a", "b", "a", "b", "1", "2", "1", "2"], [1, 1, 2, 2, 1, 1, 2, 2])
        assert len(np.unique(out, axis=0)) == 8

    @pytest.mark.parametrize(
        "other",
        [{"key": Key("people", bytes(range(1, 33)))}, {"context": "x"}, {"purpose": "pram"}],
        ids=["another key", "another context", "another method"],
    )
    def test_anything_else_draws_anew(self, other):
        for entities in ([1, 2, 3], ["ann", "bob", "1"]):
            assert not (drawn(entities) == drawn(entities, **other)).any()

    def test_bits_are_even(self):
        out = drawn(list(range(20_000)))
        ones = np.unpackbits(out.view(np.uint8)).reshape(-1, 128).mean(0)
        assert np.abs(ones - 0.5).max() < 0.02

    def test_draws_never_change(self):
        """They may not while the rules file stays as it is."""
        assert drawn([42, -7], [1, 2]).tolist() == PINNED_NUMBERS
        assert drawn(["ann", ""], [1, 2]).tolist() == PINNED_NAMES


PINNED_NUMBERS = [[7145590346685144066, 5647802000404012004], [16413672232709867140, 10926786355573912332]]
PINNED_NAMES = [[8240490095847020195, 10320962578108917972], [7997750318065046858, 11031610304775786232]]


class TestSpelling:
    @pytest.mark.parametrize(
        "entities",
        [
            pytest.param(pa.array(NUMBERS).cast(pa.string()), id="text"),
            pytest.param(pa.array(NUMBERS).cast(pa.large_string()), id="large text"),
            pytest.param(pa.array(NUMBERS).cast(pa.string()).cast(pa.binary()), id="bytes"),
            pytest.param(pa.array(NUMBERS).cast(pa.string()).cast(pa.string_view()), id="views"),
            pytest.param(pa.array(NUMBERS).dictionary_encode(), id="a dictionary of numbers"),
            pytest.param(pa.array(NUMBERS).cast(pa.string()).dictionary_encode(), id="a dictionary of texts"),
            pytest.param(pa.array([Decimal(each) for each in NUMBERS], pa.decimal128(18, 0)), id="decimals"),
            pytest.param(pa.array([Decimal(each) for each in NUMBERS], pa.decimal256(60, 0)), id="wide decimals"),
            pytest.param(pa.array(["x", *map(str, NUMBERS)]).slice(1), id="a slice"),
        ],
    )
    def test_a_whole_number_is_one_whatever_its_type(self, entities):
        assert (drawn(entities) == drawn(pa.array(NUMBERS))).all()

    @pytest.mark.parametrize("number", [10**18, -(10**18), 2**63 - 1, -(2**63), 2**64 - 1])
    def test_and_so_is_one_that_is_too_long_to_be_coded_as_it_is(self, number):
        kind = pa.uint64() if number > 0 else pa.int64()
        assert (drawn(pa.array([number, 5], kind)) == drawn([str(number), "5"])).all()

    @pytest.mark.parametrize(
        "text", ["", "-", "-0", "00", "007", "+7", " 7", "7 ", "7.0", "7e1", chr(0x667), "--7", "0x7", "1" * 19]
    )
    def test_what_is_spelled_otherwise_is_no_number(self, text):
        numbers, is_number = whole_numbers(pa.array([text, "7"]))
        assert is_number.tolist() == [False, True]
        assert numbers.tolist() == [0, 7]
        assert len(np.unique(drawn([text, "7", "0", "70"]), axis=0)) == 4

    def test_bytes_that_are_no_text(self):
        out = drawn(pa.array([b"\xff\xfe", b"7\xff", b"7", b"-"]))
        assert len(np.unique(out, axis=0)) == 4
        assert (out[2] == drawn([7])).all()

    def test_dates_are_no_numbers(self):
        days = pa.array([0, 1], pa.int32()).cast(pa.date32())
        assert (drawn(days) == drawn(["1970-01-01", "1970-01-02"])).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("surroundings", "words"),
        [
            pytest.param(Surroundings("t", "c", KEY), "Add `entity:`", id="no entity"),
            pytest.param(Surroundings("t", "c", KEY, pa.array([1])), "Add `entity:`", id="too few"),
            pytest.param(Surroundings("t", "c", KEY, pa.array([0.5, 1.5])), "no one spelling", id="floats"),
            pytest.param(Surroundings("t", "c", None, pa.array([1, 2])), "noise needs a key", id="no key"),
            pytest.param(
                Surroundings("t", "c", KEY, pa.array(["ann", None])), "1 rows have a value and no", id="a null"
            ),
        ],
    )
    def test_what_a_draw_needs(self, surroundings, words):
        with pytest.raises(MaskingError, match=words):
            EntityDraws(pa.array([31_337, 31_337]), surroundings, purpose="noise", context="")

    def test_a_null_needs_nobody(self):
        here = Surroundings("t", "c", KEY, pa.array(["ann", None]))
        draws = EntityDraws(pa.array([1, None]), here, purpose="noise", context="")
        assert (draws.draw(slice(0, 2))[0] == drawn(["ann"])).all()
