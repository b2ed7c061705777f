from __future__ import annotations

import re
import signal
from dataclasses import dataclass

import pyarrow as pa
import pytest

from maskgate.methods import Declaration, Family, Method, Shape
from maskgate.testing import method_contract
from maskgate.testing.haunted_columns import haunted_columns

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
