"""How the rows of a table come to be masked: as a stream, all at once, or in two passes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.datasets.collecting import collect
from maskgate.datasets.feeding import stretches, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from maskgate.datasets.feeding import Stretch
    from maskgate.datasets.moving.moves import Moves
    from maskgate.datasets.progress import Progress
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingPlan


@dataclass(frozen=True)
class Supply:
    """The rows of a table, and the plan by which they are masked as they come.

    Attributes:
        source: The table.
        plan: What is done to it.
        held: All rows, if they must be seen at once and memory holds them.
        moves: Values on their way to other rows, if memory does not hold all.
    """

    source: Source
    plan: MaskingPlan
    held: pa.RecordBatch | None = field(default=None, repr=False)
    moves: Moves | None = field(default=None, repr=False)

    def stretches(self, rows: int, *, skip: int = 0) -> Iterator[Stretch]:
        """Cut the rows into stretches; one for all that are held."""
        return stretches(self.source, rows, skip=skip) if self.held is None else whole(self.held, self.source)

    def turn_to(self, start: int) -> None:
        """Say how many rows come before those that this thread masks next."""
        if self.moves is not None:
            self.moves.turn_to(start)


@contextmanager
def supplied(
    source: Source,
    plan: MaskingPlan,
    rows: int,
    *,
    memory: int,
    workers: int,
    progress: Callable[[Progress], None] | None,
) -> Iterator[Supply]:
    """Return the rows of a table; those of a method that must see all rows only when it has seen them.

    Args:
        source: The table.
        plan: What is done to it.
        rows: How many rows a stretch has.
        memory: How many bytes of rows may be held.
        workers: How many threads there are.
        progress: Told how far a first pass is.

    Raises:
        DatasetError: If a file cannot be read, or memory or the folder for temporary files is too small.
        MaskingError: If a method cannot take a value.
    """
    if not plan.whole_table:
        yield Supply(source, plan)
        return
    from maskgate.datasets.moving.keeping import held_or_kept  # noqa: PLC0415  most tables need it not
    from maskgate.datasets.moving.reading import read_moves  # noqa: PLC0415
    from maskgate.datasets.moving.spill import Spill  # noqa: PLC0415

    with ExitStack() as stack:
        if source.can_be_read_again:
            held = collect(source, memory)
        else:
            held, source = held_or_kept(source, memory, stack.enter_context(Spill()))
        if held is not None:
            yield Supply(source, plan, held)
            return
        moves = read_moves(source, plan, rows, memory, workers=workers, progress=progress)
        yield Supply(source, moves.plan, moves=stack.enter_context(moves))
