"""The plan in two passes of tables whose rows are more than memory holds.

The first pass reads the columns that change rows, and what makes their groups, and puts all values in the order in
which they come out. The second pass masks the table like any other: each stretch of rows finds its values ready.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

import pyarrow as pa

from maskgate.crypto.cells import validity
from maskgate.datasets.moving.column import Column
from maskgate.datasets.moving.recording import Recording, StandIn
from maskgate.datasets.moving.shuffling import shuffled_outside
from maskgate.datasets.moving.spill import Spill
from maskgate.datasets.moving.strip import Workspace, spread_out
from maskgate.datasets.moving.swapping import swapped_outside
from maskgate.errors import DatasetError, MaskgateError, MaskingError
from maskgate.methods.families import value_type
from maskgate.methods.layout import countable, null_count, plain
from maskgate.methods.nesting import nulls
from maskgate.methods.shuffle import Shuffle
from maskgate.methods.swap import Swap

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.datasets.moving.recording import TakenDown
    from maskgate.datasets.moving.result import Result
    from maskgate.masking import CasePlan, ColumnPlan, MaskingPlan
    from maskgate.masking.frames import Frame
    from maskgate.methods.method import Method, Surroundings

_SHARE_HELD = 4
# A key stream of AES in GCM ends at 64 GiB, and a column may need two words of 8 bytes a row, and some more for ties.
_MOST_ROWS = 4_000_000_000


class Moves:
    """Values on their way to other rows; as a context manager, what they took is given back at the end.

    Args:
        plan: What is done to the table.
        memory: How many bytes there are.
    """

    def __init__(self, plan: MaskingPlan, memory: int) -> None:
        self._stack = ExitStack()
        self._here = threading.local()
        self._memory = memory
        self._plan = plan
        self._spill = self._stack.enter_context(Spill())
        cases = [(case, _is_held(column, case)) for column in plan.columns for case in column.cases if _moves(case)]
        share = memory // _SHARE_HELD // max(1, len(cases))
        self._recordings = {
            id(case): Recording(case.method, self._spill, memory if is_held else share, is_held)
            for case, is_held in cases
        }
        self._values: dict[int, _Values] = {}
        self._recording = plan.with_columns(partial(_standing_in, self._take_down, _nothing))
        self.plan = plan.with_columns(partial(_standing_in, self._give, _itself))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the first pass reads."""
        names = {}
        for name, plan in self._plan.leaves():
            for case in plan.cases if plan.whole_table else ():
                references = [case.entity, case.row_key, *case.reads.values(), *(test.reference for test in case.tests)]
                names.update(dict.fromkeys([name, *(each.names[0] for each in references if each and not each.depth)]))
        return tuple(names)

    def turn_to(self, start: int) -> None:
        """Say how many rows come before the batch that this thread works on; the same number in both passes."""
        self._here.start = start

    def take_down(self, start: int, batch: pa.RecordBatch) -> None:
        """Take down what moves of some rows, in order."""
        self.turn_to(start)
        self._recording.look(batch, self._see)

    def move(self, say: Callable[[str], None]) -> None:
        """Put all values that were taken down where they belong.

        Args:
            say: Told which column is next.

        Raises:
            DatasetError: If memory or the folder for temporary files is too small.
            MaskingError: If a method cannot take them.
        """
        for key, recording in self._recordings.items():
            if recording.surroundings is not None:
                say(recording.surroundings.column)
                self._values[key] = _guarded(self._plan.table, partial(self._moved, recording))
        self._spill.close()

    def close(self) -> None:
        """Give back what the values took."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _see(self, plan: ColumnPlan, column: pa.Array, frame: Frame) -> None:
        if any(isinstance(case.method, StandIn) for case in plan.cases):
            plan.mask(self._plan.table, column, frame)

    def _take_down(self, case: CasePlan, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        return self._recordings[id(case)].take_down(self._here.start, column, surroundings)

    def _give(self, case: CasePlan, column: pa.Array, _surroundings: Surroundings) -> pa.Array:
        taken_down = self._recordings[id(case)].taken_down.get(self._here.start)
        if taken_down is None or (len(column), null_count(column)) != (taken_down.rows, taken_down.nulls):
            raise DatasetError(
                f'table "{self._plan.table}": its rows have changed between the two times that they are read. Mask the '
                "data when it is at rest."
            )
        return self._values[id(case)].of(column, taken_down)

    def _moved(self, recording: Recording) -> _Values:
        if recording.strip is None:
            return _Held(recording)
        recording.strip.flush()
        if recording.rows > _MOST_ROWS:
            raise DatasetError(
                f'table "{self._plan.table}": the words of chance end at {_MOST_ROWS:,} cells, and a column that '
                "changes rows has more. Mask the table in parts of its own."
            )
        column, into = Column(recording, recording.strip), self._stack.enter_context(Spill())
        with Spill() as between:
            space = Workspace(between, self._memory)
            if isinstance(recording.method, Swap):
                return _Outside(recording.method, swapped_outside(column, space, into, recording.method))
            return _Outside(recording.method, shuffled_outside(column, space, into))


class _Values(Protocol):
    """Where values come from in the second pass."""

    def of(self, column: pa.Array, taken_down: TakenDown) -> pa.Array:
        """Return what some cells become; on any thread."""
        ...


class _Held:
    """Values that fit into memory, moved by the method itself when the first of them are wanted."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._moving = threading.Lock()
        self._moved: pa.Array | None = None

    def of(self, column: pa.Array, taken_down: TakenDown) -> pa.Array:
        """Return a stretch of what the method gave."""
        with self._moving:
            if self._moved is None:
                self._moved = self._recording.method.apply(*self._recording.whole())
                self._recording.let_go()
        return _in_type(
            self._moved.slice(taken_down.rows_before, len(column)), self._recording.method.output_type(column.type)
        )


@dataclass(frozen=True)
class _Outside:
    """Values that lie in a file in the order of the rows."""

    method: Method
    found: Result

    def of(self, column: pa.Array, taken_down: TakenDown) -> pa.Array:
        """Return values where the column is not null."""
        values = self.found.read(taken_down.present_before, taken_down.present_before + taken_down.present)
        return _in_type(spread_out(values, validity(plain(column))), self.method.output_type(column.type))


def _guarded(table: str, act: Callable[[], _Values]) -> _Values:
    failure = ""
    try:
        return act()
    except MaskgateError:
        raise
    except Exception as error:  # noqa: BLE001  what a kernel says may quote a cell, and so may its traceback
        failure = type(error).__name__
    # Raised outside of the handler, so that not even the context of the error holds the original one.
    raise MaskingError(f'table "{table}": values could not be brought to other rows ({failure}).')


def _in_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if values.type == kind or not pa.types.is_dictionary(kind):
        return values
    return countable(values).dictionary_encode().cast(kind)


def _standing_in(
    act: Callable[[CasePlan, pa.Array, Surroundings], pa.Array],
    otherwise: Callable[[Method], Method],
    plan: ColumnPlan,
) -> ColumnPlan:
    """Return the plan of a column with other methods, if one of its own moves values."""
    if not plan.whole_table:
        return plan
    cases = [
        replace(case, method=StandIn(case.method, partial(act, case)) if _moves(case) else otherwise(case.method))
        for case in plan.cases
    ]
    return replace(plan, cases=tuple(cases))


def _nothing(method: Method) -> Method:
    return StandIn(method, lambda column, _: nulls(len(column), method.output_type(column.type)))


def _itself(method: Method) -> Method:
    return method


def _moves(case: CasePlan) -> bool:
    return case.method.declaration.whole_table


def _is_held(column: ColumnPlan, case: CasePlan) -> bool:
    """Say whether there is no way to move values but to hold them all."""
    kind = value_type(column.type)
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return True
    return case.row_key is not None or not isinstance(case.method, Shuffle | Swap)
