"""What happens to the cells of one column, wherever it is nested.

* Every method sees originals, and only those of the rows that it is for.
* What a method cannot take is made null before it looks, where the rules say so. Texts that are no UTF-8 are looked for
  once a method has failed, since hardly any column has one.
* No error shows a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskgateError, MaskingError
from maskgate.masking.plugin_process import PluginFailedError
from maskgate.methods.cleansing import cleansed
from maskgate.methods.families import family_of
from maskgate.methods.layout import plain
from maskgate.methods.malformed_texts import malformed_texts
from maskgate.methods.method import Family, Surroundings
from maskgate.methods.nesting import nulls, taken
from maskgate.rules.rule import REDACTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.keys import Key
    from maskgate.masking.frames import Frame, Reference
    from maskgate.masking.row_test import RowTest
    from maskgate.methods.method import Method
    from maskgate.rules.rule import AnyRule, ColumnRule

T = TypeVar("T")

_LONGEST_TYPE = 80


@dataclass(frozen=True)
class CasePlan:
    """What happens to the rows that one case of a rule is for.

    Attributes:
        rule: The rule of this case.
        method: The method, ready to run.
        key: The key it takes.
        tests: What must hold of a row; empty for everyone else.
        entity: Where the entity is, if the method wants it.
        reads: Where the other columns are that the method wants, by their path.
        row_key: Where the column is that tells rows apart, if the order of rows matters to the method.
    """

    rule: ColumnRule
    method: Method
    key: Key | None = field(default=None, repr=False)
    tests: tuple[RowTest, ...] = ()
    entity: Reference | None = None
    reads: Mapping[str, Reference] = field(default_factory=dict)
    row_key: Reference | None = None

    def references(self) -> Iterator[Reference]:
        """Give where the columns are of which it looks at originals."""
        yield from (test.reference for test in self.tests)
        yield from self.reads.values()
        yield from (each for each in (self.entity, self.row_key) if each is not None)

    def adapts(self) -> bool:
        """Say whether the output takes the type that other cases have."""
        return self.rule.method in ("keep", "nullify")


@dataclass(frozen=True)
class ColumnPlan:
    """What happens to one column.

    Attributes:
        input: Its path in the data, such as ``email`` or ``contacts[].email``.
        output: Its path in the masked data; None if it is dropped.
        type: The type that comes out; None if it is dropped.
        rule: The rule that says so, or stands in for one where the column is unlisted.
        cases: The methods, ready to run; a single one unless the rule is conditional.
        is_listed: Whether the rules name the column.
        facts: What the report says of it beside counts.
    """

    input: str
    output: str | None
    type: pa.DataType | None
    rule: AnyRule
    cases: tuple[CasePlan, ...]
    is_listed: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """What happens, for people."""
        return self.rule.describe()

    @property
    def methods(self) -> str:
        """The names of the methods, as one text."""
        return " or ".join(self.rule.methods)

    @property
    def whole_table(self) -> bool:
        """Whether all rows must be there at once."""
        return any(case.method.declaration.whole_table for case in self.cases)

    def as_json(self) -> dict[str, Any]:
        """Return names and versions, as lineage holds them."""
        keys = {case.key.name: case.key.version for case in self.cases if case.key is not None}
        domains = dict.fromkeys(case.rule.domain.name for case in self.cases if case.rule.domain is not None)
        return {
            "input": self.input,
            "method": self.methods,
            "description": self.description,
            "output": self.output,
            "domain": ", ".join(domains) or None,
            "key": ", ".join(keys) or None,
            "key_version": next(iter(keys.values())) if len(set(keys.values())) == 1 else None,
        }

    def mask(self, table: str, column: pa.Array, frame: Frame) -> tuple[pa.Array, int]:
        """Mask cells.

        Args:
            table: The name of the table.
            column: The originals, opened.
            frame: What else there is about them.

        Returns:
            The masked cells, and how many the methods could not take.

        Raises:
            MaskingError: If a method cannot take a value.
        """
        cells = _Cells(table, self, frame)
        if len(self.cases) == 1 and not self.cases[0].tests:
            masked, invalid = cells.masked(self.cases[0], column, None)
        else:
            masked, invalid = cells.by_case(plain(column))
        if isinstance(masked, pa.ChunkedArray):
            masked = masked.combine_chunks()
        if masked.type != self.type or len(masked) != len(column):
            raise MaskingError(
                f'table "{table}", column "{self.input}": \'{self.methods}\' gave {len(masked)} cells of '
                f"{shown(masked.type)}, and announced {len(column)} of {shown(self.type)}. This is a bug of the method."
            )
        return masked, invalid


@dataclass(frozen=True)
class _Cells:
    table: str
    plan: ColumnPlan
    frame: Frame

    def by_case(self, column: pa.Array) -> tuple[pa.Array, int]:
        """Mask the rows of each case on their own, and put them together again."""
        left = np.arange(len(column))
        rows, parts, invalid = [], [], 0
        for case in self.plan.cases:
            mine = np.ones(len(left), bool)
            for test in case.tests:
                mine &= test.holds(self.frame)[left]
            if not mine.any():
                continue
            chosen, left = left[mine], left[~mine]
            picked = None if len(chosen) == len(column) else pa.array(chosen)
            masked, count = self.masked(case, column if picked is None else taken(column, picked), picked)
            rows.append(chosen)
            parts.append(self._adapted(case, masked))
            invalid += count
        if len(parts) == 1:
            return parts[0], invalid
        if not parts:
            return nulls(0, self.plan.type), invalid
        order = np.empty(len(column), np.int64)
        order[np.concatenate(rows)] = np.arange(len(column))
        return taken(pa.concat_arrays(parts), pa.array(order)), invalid

    def _adapted(self, case: CasePlan, masked: pa.Array) -> pa.Array:
        """Return what a case gave in the type that the cells of all cases have."""
        kind = self.plan.type
        if case.rule.method == "nullify" or (case.adapts() and masked.null_count == len(masked)):
            return nulls(len(masked), kind)
        return masked if masked.type == kind else masked.cast(kind)

    def masked(self, case: CasePlan, column: pa.Array, rows: pa.Array | None) -> tuple[pa.Array, int]:
        """Mask the rows of one case, with what `on_invalid` wants done about cells that the method cannot take."""
        surroundings = Surroundings(
            self.table,
            self.plan.input,
            case.key,
            None if case.entity is None else self._other(case.entity, rows),
            {name: self._other(reference, rows) for name, reference in case.reads.items()},
            None if case.row_key is None else self._other(case.row_key, rows),
        )
        column = plain(column) if case.rule.on_invalid == "redact" else column
        try:
            return self._but_for_invalid(case, column, surroundings)
        except _MalformedTextsError as error:
            malformed = error.places
        if case.rule.on_invalid == "fail":
            raise MaskingError(
                f'table "{self.table}", column "{self.plan.input}": {malformed.true_count} texts are not valid UTF-8. '
                "Say `on_invalid: nullify`, or mend them first."
            )
        masked, invalid = self._but_for_invalid(case, cleansed(_without(column, malformed)), surroundings)
        return _marked(case, masked, malformed), invalid + malformed.true_count

    def _but_for_invalid(self, case: CasePlan, column: pa.Array, surroundings: Surroundings) -> tuple[pa.Array, int]:
        """Mask what the method can take, and say how many cells it cannot."""
        invalid = None
        if case.rule.on_invalid != "fail":
            invalid = self._guarded(case, column, lambda: case.method.invalid(column, surroundings))
        if invalid is None or not pc.any(invalid).as_py():
            return self._guarded(case, column, lambda: case.method.apply(column, surroundings)), 0
        without = _without(column, invalid)
        masked = self._guarded(case, without, lambda: case.method.apply(without, surroundings))
        return _marked(case, masked, invalid), invalid.true_count

    def _other(self, reference: Reference, rows: pa.Array | None) -> pa.Array:
        column = self.frame.column(reference)
        return column if rows is None else taken(column, rows)

    def _guarded(self, case: CasePlan, column: pa.Array, act: Callable[[], T]) -> T:
        try:
            return act()
        except MaskgateError:
            raise
        except PluginFailedError as error:
            failure = error.kind
        except Exception as error:  # noqa: BLE001  what a kernel says may quote a cell, and so may its traceback
            failure = type(error).__name__
        # Raised outside of the handlers, so that not even the context of the error holds the original one.
        malformed = malformed_texts(plain(column)) if family_of(column.type) is Family.STRING else None
        if malformed is not None:
            raise _MalformedTextsError(malformed)
        raise MaskingError(
            f'table "{self.table}", column "{self.plan.input}" ({shown(column.type)}): '
            f"'{case.rule.method}' failed on a value ({failure}). Choose another method, or drop the column."
        )


class _MalformedTextsError(Exception):
    """A method failed on a column that holds texts which are none.

    Attributes:
        places: Which cells they are.
    """

    def __init__(self, places: pa.BooleanArray) -> None:
        super().__init__(places.true_count)
        self.places = places


def _without(column: pa.Array, refused: pa.BooleanArray) -> pa.Array:
    """Return the column with nulls for some cells; an `if_else` to null would keep their bytes in the buffer."""
    return taken(column, pa.array(np.arange(len(column)), mask=refused.to_numpy(zero_copy_only=False)))


def _marked(case: CasePlan, masked: pa.Array, refused: pa.BooleanArray) -> pa.Array:
    """Write what `on_invalid` wants where cells were refused; they are nulls so far."""
    return pc.if_else(refused, pa.scalar(REDACTED, masked.type), masked) if case.rule.on_invalid == "redact" else masked


def shown(type_: pa.DataType | None) -> str:
    """Write a type for a message; a long one is cut."""
    text = str(type_)
    return text if len(text) <= _LONGEST_TYPE else f"{text[:_LONGEST_TYPE]}…"
