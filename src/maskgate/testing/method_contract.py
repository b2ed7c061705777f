"""What every masking method promises, as checks to run on one's own.

Each check takes a configured method and a column, and fails with an ``AssertionError``::

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    @pytest.mark.parametrize("column", haunted_columns(), ids=lambda column: column.name)
    def test_contract(promise, column):
        method = RoundMoney.configure({"to": 100}, None)
        if takes(method, column.array.type):
            promise(method, column)

A method gets a key, an entity for each row, and for each column that it reads a column of texts. Cells that it says it
cannot take are null when it is asked to mask, as ``on_invalid: nullify`` makes them.
"""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import Family, ReversibleBy, Shape, Surroundings, Uniqueness, family_of
from maskgate.methods.layout import plain
from maskgate.testing.haunted_columns import TEXT_GHOST, HauntedColumn, bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.methods import Method

KEY = Key("people", bytes(range(32)))
OTHER_KEY = Key("people", bytes(range(1, 33)))
_BATCHES = (1, 2, 3, 7)
# Shorter values may stand in a message by chance.
_TOO_SHORT = 3
_SECONDS = 20.0
# So many times a column draws the same under two keys by no chance.
_ENOUGH = 10
_HOSTILE = [f"{part * 4000}!" for part in ("a", "a ", "1-", "a.", "@a", "(", "<>", "é", "1,", "a@a.")]
_READ = ("Ann Example", "", None, "42", "Ζωή 😀", "ann@example.com")


def takes(method: Method, type_: pa.DataType) -> bool:
    """Say whether a method, as configured, has an output for a type."""
    if family_of(type_) not in method.declaration.accepts:
        return False
    try:
        return method.output_type(type_) is not None
    except ValueError:
        return False


def masked(method: Method, array: pa.Array, *, first_row: int = 0, key: Key = KEY) -> pa.Array:
    """Mask a column whose rows belong to entities 0, 1, 2 and so on; what the method cannot take is null before."""
    return method.apply(sound(method, array, first_row=first_row, key=key), around(method, len(array), first_row, key))


def around(method: Method, rows: int, first_row: int = 0, key: Key = KEY) -> Surroundings:
    """Return what a method may look at beside the column: a key, entities, and the columns that it reads."""
    numbers = range(first_row, first_row + rows)
    texts = pa.array([_READ[number % len(_READ)] for number in numbers], pa.string())
    return Surroundings("people", "column", key, pa.array(numbers, pa.int64()), dict.fromkeys(method.reads(), texts))


def sound(method: Method, array: pa.Array, *, first_row: int = 0, key: Key = KEY) -> pa.Array:
    """Return a column in which the cells that the method cannot take are null; their bytes are still there."""
    invalid = method.invalid(array, around(method, len(array), first_row, key))
    if invalid is None or not invalid.true_count:
        return array
    valid = array.is_valid().to_numpy(zero_copy_only=False) & ~invalid.to_numpy(zero_copy_only=False)
    return _covered(array, valid)


def null_in_null_out(method: Method, column: HauntedColumn) -> None:
    """A null stays a null; a value stays a value, unless all become null."""
    array = sound(method, column.array)
    out = masked(method, array)
    if method.shape().all_null:
        assert not out.is_valid().true_count, "there are values"
    else:
        assert out.is_null().equals(array.is_null()), "cells became null, or nulls became values"


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
    """Rows masked few by few are those masked all at once, unless the method says that it needs all rows."""
    if method.declaration.whole_table:
        return
    whole = masked(method, column.array)
    for size in _BATCHES:
        starts = range(0, len(column.array), size)
        parts = [masked(method, column.array.slice(start, size), first_row=start) for start in starts]
        assert _same(pa.concat_arrays([plain(part) for part in parts]), whole), f"batches of {size} differ"


def values_only_move(method: Method, column: HauntedColumn) -> None:
    """A method that needs all rows, and says that it keeps values apart, moves them: none is lost, none is made."""
    if method.declaration.whole_table and method.uniqueness is Uniqueness.PRESERVED:
        before, after = _cells(sound(method, column.array)), _cells(masked(method, column.array))
        assert Counter(before) == Counter(after), "values were lost, or made"


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
    if method.declaration.reversible_by is not ReversibleBy.EVERYBODY and not _hands_values_out(method):
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
    """The same key gives the same output and another key another one; a method without key needs none."""
    once = masked(method, column.array)
    assert _same(masked(method, column.array), once), "the same key gave two outputs"
    if not method.declaration.needs_key:
        array = sound(method, column.array)
        others = around(method, len(array)).columns
        assert _same(method.apply(array, Surroundings("people", "column", columns=others)), once)
    elif once.null_count < len(once):
        # One row less every other time, so that values and the columns read beside them go together otherwise.
        many = pa.concat_arrays([column.array, column.array.slice(1)] * _ENOUGH)
        assert not _same(masked(method, many, key=OTHER_KEY), masked(method, many)), "another key changed nothing"


def invalid_cells_are_refused(method: Method, column: HauntedColumn) -> None:
    """What a method says it cannot take it refuses, by number and not by value; a null it can always take."""
    surroundings = around(method, len(column.array))
    invalid = method.invalid(column.array, surroundings)
    if invalid is None:
        return
    assert invalid.type == pa.bool_()
    assert len(invalid) == len(column.array)
    assert invalid.null_count == 0
    refused = invalid.to_numpy(zero_copy_only=False)
    assert not (refused & column.array.is_null().to_numpy(zero_copy_only=False)).any(), "a null is never invalid"
    again = method.invalid(sound(method, column.array), surroundings)
    assert again is None or not again.true_count, "what is null is still invalid"
    if not refused.any():
        return
    values = [str(each) for each in plain(column.array).to_pylist() if len(str(each)) > _TOO_SHORT]
    error = _error_of(lambda: method.apply(column.array, surroundings))
    assert error is not None, "cells that it calls invalid went through"
    assert surroundings.column in str(error), "the error does not name the column"
    _check_silence(error, values)


def errors_hold_no_value(method: Method, column: HauntedColumn) -> None:
    """What a method cannot take it refuses, without saying what it was."""
    hostile = _hostile(column.array.type)
    if hostile is None:
        return
    others = around(method, len(hostile)).columns
    surroundings = Surroundings("people", "column", KEY, pa.nulls(len(hostile), pa.string()), others)
    error = _error_of(lambda: method.apply(hostile, surroundings))
    if error is not None:
        _check_silence(error, [TEXT_GHOST])


def facts_can_be_reported(method: Method, _column: HauntedColumn) -> None:
    """What a report should say is JSON; an epsilon is a number above 0."""
    facts = json.loads(json.dumps(dict(method.facts()), allow_nan=False))
    assert facts == dict(method.facts())
    assert facts.get("epsilon", 1) > 0


def _error_of(act: Callable[[], object]) -> Exception | None:
    try:
        act()
    except (MaskingError, pa.ArrowInvalid) as error:
        return error
    except Exception as error:  # noqa: BLE001  a method may raise anything
        failure = type(error).__name__
    else:
        return None
    raise AssertionError(f"it failed with {failure}, which may quote a cell. Raise a MaskingError.")


def _check_silence(error: BaseException, values: list[str]) -> None:
    seen: BaseException | None = error
    while seen is not None:
        said = f"{seen} {seen.args}"
        assert not any(value in said for value in values), "the error holds a value"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _hands_values_out(method: Method) -> bool:
    """Say whether other rows may get a value as it is: by moving there, or because the rules name it."""
    return method.declaration.whole_table or "ann@example.com" in method.shape().one_of


def _cells(array: pa.Array) -> list[str]:
    array = plain(array)
    # Python has no years as far away as Arrow.
    return [repr(cell) for cell in (array.view(pa.int64()) if pa.types.is_timestamp(array.type) else array).to_pylist()]


def _same(left: pa.Array, right: pa.Array) -> bool:
    return bool(plain(left).equals(plain(right)))


def _covered(array: pa.Array, valid: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pa.Array:
    """Make cells null without touching what lies there."""
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(_covered(array.indices, valid), array.dictionary)
    bits = np.packbits(np.concatenate([np.zeros(array.offset, bool), valid]), bitorder="little")
    buffers = [pa.py_buffer(bits), *array.buffers()[1:]]
    return pa.Array.from_buffers(array.type, len(array), buffers, offset=array.offset)


def _hostile(type_: pa.DataType) -> pa.Array | None:
    """Return a column that some methods cannot take: invalid UTF-8, NaN, or a value without entity."""
    if pa.types.is_string(type_):
        bad = TEXT_GHOST.encode() + b"\xff\xfe"
        offsets = pa.array([0, len(bad)], pa.int32()).buffers()[1]
        return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(bad)])
    if pa.types.is_floating(type_):
        return pa.array([float("nan"), 1.0], type_)
    return None


def no_text_hangs_it(method: Method, column: HauntedColumn) -> None:
    """Texts that make a backtracking pattern run for hours are masked like any other."""
    if family_of(column.array.type) is not Family.STRING:
        return
    texts = pa.array(_HOSTILE).cast(plain(column.array).type)
    with _limit(_SECONDS):
        assert len(masked(method, texts)) == len(texts)


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Stop whatever takes longer; Python's own patterns listen to signals while they search."""

    def stop(*_: object) -> NoReturn:
        raise AssertionError(f"a text made it run for more than {seconds:g} seconds. Use patterns of RE2.")

    usual = signal.signal(signal.SIGALRM, stop)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)
        signal.signal(signal.SIGALRM, usual)


PROMISES: tuple[Callable[[Method, HauntedColumn], None], ...] = (
    null_in_null_out,
    output_is_as_declared,
    batches_do_not_matter,
    values_only_move,
    no_rows_are_fine,
    nothing_hidden_comes_out,
    input_stays_as_it_is,
    layouts_do_not_matter,
    the_key_decides,
    invalid_cells_are_refused,
    errors_hold_no_value,
    facts_can_be_reported,
    no_text_hangs_it,
)
