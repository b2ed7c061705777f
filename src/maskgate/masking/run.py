"""One run over a table: batches are masked on any thread, and what was done is added up on one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.masking.nodes import Pass
from maskgate.masking.report import MaskingReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from maskgate.masking.plan import MaskingPlan
    from maskgate.masking.survivors import Traces


@dataclass(frozen=True)
class MaskedBatch:
    """One batch that was masked, and what the run wants to know of it.

    Attributes:
        batch: The masked rows.
        report: Counts.
        records: Digests, for what only the whole run can say.
        traces: What tells whether originals come out, if the rules want that checked.
    """

    batch: pa.RecordBatch = field(repr=False)
    report: MaskingReport
    records: Mapping[str, NDArray[np.uint64]] = field(repr=False)
    traces: Traces | None = field(default=None, repr=False)

    def without_rows(self) -> MaskedBatch:
        """Return the same without the rows; the run needs no more of a batch once its rows are written."""
        return replace(self, batch=_NO_ROWS)


_NO_ROWS = pa.RecordBatch.from_arrays([], names=[])


class MaskingRun:
    """A run of a plan over all batches of a table; as a context manager, it gives its memory back.

    Args:
        plan: What to do.
    """

    def __init__(self, plan: MaskingPlan) -> None:
        self.plan = plan
        self.report = plan.empty_report()
        self._tally = plan.tally()
        self._survivors = plan.survivors()

    @property
    def needs_all_rows(self) -> bool:
        """Whether the rules want something of the whole table that no count of a part says."""
        return bool(self._tally.unique or self._tally.spending) or self._survivors is not None

    def mask(self, held: list[pa.RecordBatch]) -> MaskedBatch:
        """Mask one batch; on any thread.

        Args:
            held: The batch, which is taken out: where nobody else has it, its memory is given back column by column.

        Raises:
            MaskingError: If a method cannot take a value.
        """
        run, rows = Pass(self.plan.table, self._tally), held[0].num_rows
        originals = None if self._survivors is None else held[0]
        masked = self.plan.mask_in(run, held)
        report = MaskingReport(self.plan.table, rows, run.reports)
        traces = None if self._survivors is None else self._survivors.look(originals, masked)
        return MaskedBatch(masked, report, run.records, traces)

    def add(self, masked: MaskedBatch) -> None:
        """Add what was done to a batch; on one thread."""
        self.report += masked.report
        self._tally.add(masked.records)
        if self._survivors is not None and masked.traces is not None:
            self._survivors.add(masked.traces)

    def finish(self) -> MaskingReport:
        """Hold the whole to the checks of the rules, and return the report.

        Raises:
            MaskingError: If a check does not hold; with every column in which it does not.
        """
        problems = [*self._tally.problems(), *(() if self._survivors is None else self._survivors.problems())]
        if problems:
            raise MaskingError("\n".join(problems))
        self.report = replace(self.report, epsilon=self._tally.epsilon())
        return self.report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tally.close()
        if self._survivors is not None:
            self._survivors.close()
