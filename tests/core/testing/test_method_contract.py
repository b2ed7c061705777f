from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import Declaration, Family, Method, Shape, Surroundings
from maskgate.testing import method_contract
from maskgate.testing.haunted_columns import haunted_columns

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = next(column for column in haunted_columns() if pa.types.is_string(column.array.type))


@dataclass(frozen=True)
class Backtracking(Method):
    """Hides what looks like words before a point, by a pattern that tries every way to cut them."""

    declaration = Declaration("acme.backtracking", "masking", "Hides words.", frozenset({Family.STRING}))

    @classmethod
    def configure(cls, _options, _domain):
        return cls()

    def output_type(self, input_type):
        return input_type

    def shape(self):
        return Shape(free=True)

    def apply(self, column, _surroundings):
        pattern = re.compile(r"^(?:a+)+$")
        return pa.array([None if cell is None else pattern.sub("*", cell) for cell in column.to_pylist()], column.type)


@dataclass(frozen=True)
class Wrong(Method):
    """Does with a column whatever it is told to."""

    masks: Callable[[pa.Array, Surroundings], pa.Array]
    keyed: bool = False
    pattern: str | None = None

    @property
    def declaration(self):
        return Declaration("acme.wrong", "masking", "Is wrong.", frozenset({Family.STRING}), needs_key=self.keyed)

    @classmethod
    def configure(cls, _options, _domain):
        raise NotImplementedError

    def output_type(self, input_type):
        return input_type

    def shape(self):
        return Shape(pattern=self.pattern or "(?s).*")

    def apply(self, column, surroundings):
        return self.masks(column, surroundings)


def starred(column, _surroundings=None):
    return pa.array([None if absent else "*" for absent in column.is_null().to_pylist()], column.type)


def refuse(column, _surroundings):
    raise MaskingError(f"cannot take {column.cast(pa.binary())[0]}")


class TestWrongMethods:
    """What breaks a promise is caught by it."""

    def test_one_that_is_right_is_not(self):
        broken = []
        for promise in method_contract.PROMISES:
            try:
                promise(Wrong(starred), TEXTS)
            except AssertionError:
                broken.append(promise.__name__)
        assert broken == []
        assert len(method_contract.PROMISES) > 3

    @pytest.mark.parametrize(
        ("promise", "wrong"),
        [
            pytest.param("null_in_null_out", Wrong(lambda c, _: starred(c).fill_null("*")), id="nulls become values"),
            pytest.param("null_in_null_out", Wrong(lambda c, _: pa.nulls(len(c), c.type)), id="values become nulls"),
            pytest.param("output_is_as_declared", Wrong(lambda c, _: starred(c).cast(pa.large_string())), id="a type"),
            pytest.param("output_is_as_declared", Wrong(starred, pattern="#"), id="another shape"),
            pytest.param(
                "batches_do_not_matter",
                Wrong(lambda c, _: pa.array([str(len(c))] * len(c), mask=c.is_null())),
                id="the size of a batch",
            ),
            pytest.param("no_rows_are_fine", Wrong(lambda c, _: starred(c) if len(c) else pa.nulls(0)), id="no rows"),
            pytest.param("nothing_hidden_comes_out", Wrong(lambda c, _: c), id="what lies under nulls"),
            pytest.param(
                "nothing_hidden_comes_out", Wrong(lambda c, _: pa.array(c.to_pylist(), c.type)), id="originals"
            ),
            pytest.param("the_key_decides", Wrong(lambda c, _: pa.array([token_hex()] * len(c))), id="chance"),
            pytest.param("the_key_decides", Wrong(starred, keyed=True), id="the key is not used"),
            pytest.param("errors_hold_no_value", Wrong(refuse), id="a value in an error"),
            pytest.param("errors_hold_no_value", Wrong(lambda c, _: c.to_pylist()), id="the error of somebody else"),
        ],
    )
    def test_others_are(self, promise, wrong):
        with pytest.raises((AssertionError, pa.ArrowInvalid)):
            getattr(method_contract, promise)(wrong, TEXTS)


class TestNoTextHangsIt:
    """A method whose pattern can be made to run for hours is caught, and the test goes on."""

    def test_a_backtracking_pattern_is_stopped(self, monkeypatch):
        monkeypatch.setattr(method_contract, "_SECONDS", 0.3)
        usual = signal.getsignal(signal.SIGALRM)
        with pytest.raises(AssertionError, match="Use patterns of RE2"):
            method_contract.no_text_hangs_it(Backtracking(), TEXTS)
        assert signal.getsignal(signal.SIGALRM) is usual

    def test_columns_without_text_are_not_tried(self):
        numbers = next(column for column in haunted_columns() if pa.types.is_int64(column.array.type))
        assert method_contract.no_text_hangs_it(Backtracking(), numbers) is None
