"""What a run has finished, written down so that another can go on from there.

A journal begins with the *terms*: everything that decides about the bytes that come out. Each part that is safely
stored follows. A run goes on from a journal only if its own terms are the same, to the last digest; it writes there
that it does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol

from maskgate.canonical import digest
from maskgate.datasets.checkpoint import Checkpoint, WrittenSegment
from maskgate.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maskgate.datasets.layout import Layout
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingPlan, MaskingReport
    from maskgate.rules import Rules

_PURPOSE = "resume"
_TAKEN_OVER = "taken_over"
_SHOWN = {
    "rules": "the rules",
    "table": "the name of the table",
    "keys": "the keys",
    "input": "the input",
    "layout": "the layout or format of the files",
    "columns": "the masked columns",
    "software": "the version of maskgate or pyarrow",
}


@dataclass(frozen=True)
class PartRecord:
    """One file that is finished.

    Attributes:
        path: Its name in the target.
        size: Its bytes.
        sha256: Their hash.
        rows: Its rows.
        counts: For each column of the report the nulls before and after, and the cells that were invalid.
    """

    path: str
    size: int
    sha256: str
    rows: int
    counts: Mapping[str, Sequence[int | None]]

    @classmethod
    def of(cls, written: Mapping[str, Any], rows: int, report: MaskingReport) -> PartRecord:
        """Put down a file and what was done to its rows."""
        counts = {name: [each.nulls, each.nulls_after, each.invalid] for name, each in report.columns.items()}
        return cls(written["path"], written["size"], written["sha256"], rows, counts)

    @property
    def file(self) -> dict[str, Any]:
        """What the manifest says of the file."""
        return {"path": self.path, "size": self.size, "sha256": self.sha256}

    def report(self, empty: MaskingReport) -> MaskingReport:
        """Return what was done to its rows, given the report on no rows."""
        columns = {
            name: replace(
                each,
                nulls=self.counts[name][0] or 0,
                nulls_after=self.counts[name][1],
                invalid=self.counts[name][2] or 0,
            )
            for name, each in empty.columns.items()
        }
        return replace(empty, rows=self.rows, columns=columns)


class Pages(Protocol):
    """Where a journal is kept.

    Attributes:
        anew: How to begin anew there.
    """

    anew: ClassVar[str]

    def read(self) -> list[dict[str, Any]]:
        """Return all entries that were written whole."""
        ...

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write an entry so that it stays, whatever happens next."""
        ...


class Journal:
    """The journal of one target.

    Args:
        pages: Where it is kept.
        shown: What messages call the target.
        go_on: Opens a single file that is unfinished; None if that cannot be gone on with.
        takes_over: Whether a journal that is there may be gone on with; otherwise it is that of another run.

    Attributes:
        go_on: The same.
        parts: What is finished.
        checkpoint: How far the next part is, if that can be gone on with.
        is_ours: Whether it has been begun or taken over; before that, it may be somebody else's.
    """

    def __init__(
        self, pages: Pages, shown: str, go_on: Callable[[], BinaryIO] | None = None, *, takes_over: bool = True
    ) -> None:
        self._pages = pages
        self._shown = shown
        self._takes_over = takes_over
        self.go_on = go_on
        self.parts: list[PartRecord] = []
        self.checkpoint: Checkpoint | None = None
        self.is_ours = False
        self._later: Callable[[], Mapping[str, str]] | None = None

    def begin(self, terms: Mapping[str, str]) -> None:
        """Write the terms down, or hold them to those that are there and take the parts over.

        Raises:
            DatasetError: If something has changed since, the journal is damaged, or another run was quicker.
        """
        entries = self._entries()
        if not entries:
            self._pages.append({"terms": dict(terms)})
            self.is_ours = True
            return
        try:
            before = dict(entries[0]["terms"])
            for entry in entries[1:]:
                self._take_over(entry)
        except (ValueError, LookupError, TypeError, AttributeError):
            raise damaged(self._shown, self._pages.anew) from None
        changed = [shown for name, shown in _SHOWN.items() if before.get(name) != terms[name]]
        if changed:
            raise DatasetError(
                f"{self._shown}: the run that was interrupted cannot be resumed, since something is different now: "
                f"{', '.join(changed)}. {self._pages.anew}"
            )
        # Where no lock tells the run before, if it still lives, that it has lost, this does.
        self._pages.append({_TAKEN_OVER: True})
        self.is_ours = True

    def claim(self) -> None:
        """Keep other runs away, where nothing is written down to go on from.

        Raises:
            DatasetError: If another run was quicker.
        """
        self._pages.append({_TAKEN_OVER: True} if self._entries() else {"terms": {}})
        self.is_ours = True

    def begin_later(self, terms: Callable[[], Mapping[str, str]]) -> None:
        """Begin when there is something to be gone on with, which for a small file is never."""
        self._later = terms

    def add(self, part: PartRecord) -> None:
        """Write down that a part is finished."""
        if self._later is not None:
            return
        # First here: if the process is told to stop meanwhile, a part that is noted must not be taken away.
        self.parts.append(part)
        try:
            self._pages.append({"part": asdict(part)})
        except Exception:
            self.parts.remove(part)
            raise
        self.checkpoint = None

    def add_checkpoint(self, part: PartRecord, segments: Sequence[WrittenSegment]) -> None:
        """Write down how far a part is, and what it has got since the last time."""
        if self._later is not None:
            self.begin(self._later())
            self._later = None
        self._pages.append({"checkpoint": asdict(part), "segments": [each.as_json() for each in segments]})
        self.checkpoint = _next(self.checkpoint, part, segments)

    def _entries(self) -> list[dict[str, Any]]:
        entries = self._pages.read()
        if entries and not self._takes_over:
            raise in_use(self._shown)
        return entries

    def _take_over(self, entry: Mapping[str, Any]) -> None:
        if _TAKEN_OVER in entry:
            return
        if "part" in entry:
            self.parts.append(PartRecord(**entry["part"]))
            self.checkpoint = None
            return
        segments = [WrittenSegment.from_json(each) for each in entry["segments"]]
        self.checkpoint = _next(self.checkpoint, PartRecord(**entry["checkpoint"]), segments)


def in_use(shown: str) -> DatasetError:
    """Return what is said of a target that another run writes to."""
    return DatasetError(f"{shown}: another run is writing there. Wait for it, or choose another target.")


def damaged(shown: str, anew: str) -> DatasetError:
    """Return what is said of a journal that cannot be read."""
    return DatasetError(f"{shown}: the journal of the run that was interrupted is damaged. {anew}")


def _next(before: Checkpoint | None, part: PartRecord, segments: Sequence[WrittenSegment]) -> Checkpoint:
    return Checkpoint(part, tuple(segments)) if before is None else before.with_more(part, segments)


def terms_of(rules: Rules, plan: MaskingPlan, source: Source, layout: Layout, format_name: str) -> dict[str, str]:
    """Return what decides about the bytes that come out, as digests."""
    from importlib.metadata import version  # noqa: PLC0415  slow to import, and needed for files that can be resumed

    keys = {case.key.name: case.key for each in plan.columns for case in each.cases if case.key is not None}
    proofs = {name: [key.version, key.subkey(purpose=_PURPOSE, length=16).hex()] for name, key in keys.items()}
    described: dict[str, Any] = {
        "rules": rules.digest,
        "table": plan.table,
        "keys": proofs,
        "input": [asdict(each) for each in source.inputs],
        "layout": [asdict(layout), format_name],
        "columns": [[item.name, str(item.type)] for item in plan.output_schema],
        "software": [version("maskgate"), version("pyarrow")],
    }
    return {name: digest(f"resume-{name}", value) for name, value in described.items()}
