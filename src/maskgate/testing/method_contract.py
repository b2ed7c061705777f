"""What every masking method promises, as checks to run on one's own.

Each check takes a configured method and a column, and fails with an ``AssertionError``::

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    @pytest.mark.parametrize("column", haunted_columns(), ids=lambda column: column.name)
    def test_contract(promise, column):
        method = RoundMoney.configure({"to": 100}, None)
        if takes(method, column.array.type):
            promise(method, column)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import Family, ReversibleBy, Shape, Surroundings, family_of
from maskgate.methods.layout import plain
from maskgate.testing.haunted_columns import TEXT_GHOST, HauntedColumn, bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.methods import Method

KEY = Key("people", bytes(range(32)))
OTHER_KEY = Key("people", bytes(range(1, 33)))
_BATCHES = (1, 2, 3, 7)


def takes(method: Method, type_: pa.DataType) -> bool:
    """Say whether a method, as configured, has an output for a type."""
    if family_of(type_) not in method.declaration.accepts:
        return False
    try:
        return method.output_type(type_) is not None
    except ValueError:
        return False


def masked(method: Method, array: pa.Array, *, first_row: int = 0, key: Key = KEY) -> pa.Array:
    """Mask a column whose rows belong to entities 0, 1, 2 and so on."""
    entity = pa.array(range(first_row, first_row + len(array)), pa.int64())
    return method.apply(array, Surroundings("people", "column", key, entity))


def null_in_null_out(method: Method, column: HauntedColumn) -> None:
    """A null stays a null; a value stays a value, unless all become null."""
    out = masked(method, column.array)
    if method.shape().all_null:
        assert out.null_count == len(out)
    else:
        assert out.is_null().equals(column.array.is_null()), "cells became null, or nulls became values"


def output_is_as_declared(method: Method, column: HauntedColumn) -> None:
    """The output has the declared type, is valid Arrow, and fits the declared shape."""
    out = masked(method, column.array)
    out.validate(full=True)
    assert out.type == method.output_type(column.array.type)
    shape = Shape.from_json(json.loads(json.dumps(method.shape().as_json())))
    assert shape == method.shape()
    assert shape.violations(out) == 0
    assert shape.violations(pa.chunked_array([out, out])) == 0


def batches_do_not_matter(method: Method, column: HauntedColumn) -> None:
    """Rows masked few by few are those masked all at once."""
    whole = masked(method, column.array)
    for size in _BATCHES:
        starts = range(0, len(column.array), size)
        parts = [masked(method, column.array.slice(start, size), first_row=start) for start in starts]
        assert _same(pa.concat_arrays([plain(part) for part in parts]), whole), f"batches of {size} differ"


def no_rows_are_fine(method: Method, column: HauntedColumn) -> None:
    """A column without rows comes out without rows, with its type."""
    for empty in (column.array.slice(0, 0), column.array.slice(2, 0)):
        out = masked(method, empty)
        assert len(out) == 0
        assert out.type == method.output_type(column.array.type)
        out.validate(full=True)


def nothing_hidden_comes_out(method: Method, column: HauntedColumn) -> None:
    """No byte of the output comes from under a null, outside of a slice, or an unused dictionary entry."""
    if column.ghost:
        assert column.ghost in bytes_of(column.array), "the column is not haunted; nothing would be tested"
        assert column.ghost not in bytes_of(masked(method, column.array))
    if method.declaration.reversible_by is not ReversibleBy.EVERYBODY:
        assert b"ann@example.com" not in bytes_of(masked(method, column.array)), "an original stands in the output"


def input_stays_as_it_is(method: Method, column: HauntedColumn) -> None:
    """Masking changes nothing in place."""
    before = bytes_of(column.array)
    masked(method, column.array)
    assert bytes_of(column.array) == before


def layouts_do_not_matter(method: Method, column: HauntedColumn) -> None:
    """The same strings give the same output in every layout, whether their dictionary is sorted or not."""
    if family_of(column.array.type) is not Family.STRING:
        return
    strings = plain(column.array).cast(pa.string())
    expected = masked(method, strings).to_pylist()
    layouts = [strings.cast(kind) for kind in (pa.large_string(), pa.string_view())] + [strings.dictionary_encode()]
    for layout in layouts:
        assert masked(method, layout).to_pylist() == expected, str(layout.type)


def the_key_decides(method: Method, column: HauntedColumn) -> None:
    """The same key gives the same output; a method without key needs none."""
    once = masked(method, column.array)
    assert _same(masked(method, column.array), once)
    if not method.declaration.needs_key:
        alone = method.apply(column.array, Surroundings("people", "column"))
        assert _same(alone, once)
    elif method.declaration.needs_domain and once.null_count < len(once):
        assert not _same(masked(method, column.array, key=OTHER_KEY), once)


def errors_hold_no_value(method: Method, column: HauntedColumn) -> None:
    """What a method cannot take it refuses, without saying what it was."""
    hostile = _hostile(column.array.type)
    if hostile is None:
        return
    surroundings = Surroundings("people", "column", KEY, pa.nulls(len(hostile), pa.string()))
    try:
        method.apply(hostile, surroundings)
    except (MaskingError, pa.ArrowInvalid) as error:
        seen: BaseException | None = error
        while seen is not None:
            assert TEXT_GHOST not in f"{seen} {seen.args}"
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _same(left: pa.Array, right: pa.Array) -> bool:
    return bool(plain(left).equals(plain(right)))


def _hostile(type_: pa.DataType) -> pa.Array | None:
    """Return a column that some methods cannot take: invalid UTF-8, NaN, or a value without entity."""
    if pa.types.is_string(type_):
        bad = TEXT_GHOST.encode() + b"\xff\xfe"
        offsets = pa.array([0, len(bad)], pa.int32()).buffers()[1]
        return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(bad)])
    if pa.types.is_floating(type_):
        return pa.array([float("nan"), 1.0], type_)
    return None


PROMISES: tuple[Callable[[Method, HauntedColumn], None], ...] = (
    null_in_null_out,
    output_is_as_declared,
    batches_do_not_matter,
    no_rows_are_fine,
    nothing_hidden_comes_out,
    input_stays_as_it_is,
    layouts_do_not_matter,
    the_key_decides,
    errors_hold_no_value,
)
