"""Files as targets: one file, or a folder of parts; shown when all of it is there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from maskgate.datasets.bundle import write_file, write_manifest
from maskgate.datasets.finished_parts import check_finished
from maskgate.datasets.finished_target import FinishedTarget
from maskgate.datasets.formats import FORMATS, format_called, format_of
from maskgate.datasets.formats.compression import CODECS
from maskgate.datasets.formats.delta import LOG, Delta, check_names, delta_log
from maskgate.datasets.journal import terms_of
from maskgate.datasets.object_store import without_credentials
from maskgate.datasets.outputs import is_one_file, open_output
from maskgate.datasets.parts import Names, Sink
from maskgate.datasets.sql_connection import names_database
from maskgate.errors import MaskingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from maskgate.datasets.formats import Format
    from maskgate.datasets.layout import Layout
    from maskgate.datasets.outputs import Output
    from maskgate.datasets.run import MaskedTable
    from maskgate.datasets.source import Source
    from maskgate.masking import MaskingPlan
    from maskgate.rules import Rules

# Who writes one of these wants one file, and would get a folder called so.
_OTHER_FILES = frozenset(
    {".json", ".xlsx", ".xls", ".xml", ".txt", ".orc", ".avro", ".sql", ".db", ".sqlite", ".zip", ".snappy"}
    | {".xz", ".br", ".7z", ".tar", ".tgz"}
    | {end for end in CODECS if end}
)


@dataclass(frozen=True)
class FileTarget:
    """A new file, or a new folder of parts.

    Attributes:
        place: Path or URI.
        format: What format the files get.
        layout: How they are laid out.
    """

    place: str
    format: Format
    layout: Layout

    @classmethod
    def named(cls, place: str, format_name: str | None, layout: Layout) -> FileTarget:
        """Tell the format by its own name, or else by the target's.

        Raises:
            UsageError: If there is no such format, or the target cannot have it.
        """
        if names_database(place):
            raise UsageError(
                f"{without_credentials(place)}: it names a database. Name the new table too, by --target-table or "
                "SqlTable()."
            )
        return cls(place, _format_of(place, format_name), layout)

    @property
    def names(self) -> Names:
        """What the files are called."""
        return Names(only=PurePosixPath(self.place).name if is_one_file(self.place) else None)

    @contextmanager
    def opened(self, source: Source, plan: MaskingPlan, rules: Rules, *, resume: bool) -> Iterator[Sink]:
        """Give what files are written to, and show them at the end; if anything fails, nothing is shown.

        Args:
            source: What is masked. If it can be read again from where a run stopped, that run can be resumed.
            plan: What is done to it.
            rules: What the plan was made of.
            resume: Go on where a run of the same masking was interrupted.

        Raises:
            DatasetError: If there is something already, another run writes there, or it cannot be resumed.
        """
        if isinstance(self.format, Delta):
            check_names(plan.output_schema, plan.table)
        layout = replace(self.layout, dialect=source.dialect)
        output = open_output(self.place, resume=resume)
        if isinstance(output, FinishedTarget):
            output.check_made_by(rules.digest, plan.key_versions())
        resumes = source.states is not None and _begin_journal(
            output,
            lambda: terms_of(rules, plan, source, layout, self.format.name),
            later=is_one_file(self.place) and not resume,
        )
        try:
            yield Sink(output, self.format, layout, resumes)
            output.finish()
        except BaseException as error:
            _give_up(output, error)
            raise

    def complete(self, output: Output, masked: MaskedTable, manifest: Mapping[str, Any]) -> None:
        """Write what a folder has beside its parts."""
        if isinstance(self.format, Delta):
            write_file(output, LOG, delta_log(masked.plan.output_schema, masked.files, masked.rows))
        if not is_one_file(self.place):
            write_manifest(output, manifest)


def _begin_journal(output: Output, terms: Callable[[], Mapping[str, str]], *, later: bool) -> bool:
    """Begin the journal, or take over what is in it; say whether there is one.

    Args:
        output: What it belongs to.
        terms: What decides about the bytes that come out.
        later: Whether to wait until there is something to write down.
    """
    if output.journal is None:
        return False
    if later:
        output.journal.begin_later(terms)
        return True
    try:
        output.journal.begin(terms())
        check_finished(output.journal.parts, output.reopen)
    except BaseException:
        output.leave()
        raise
    return True


def _give_up(output: Output, error: BaseException) -> None:
    """Take everything away, unless what is finished will be of use to a later run."""
    if isinstance(error, MaskingError | UsageError):
        output.abandon()
    elif output.leave():
        error.add_note("What is finished is kept beside the target: run it again with --resume (resume=True) to go on.")


def _format_of(target: str, name: str | None) -> Format:
    shown = without_credentials(target)
    told, asked = format_of(target), None if name is None else format_called(name)
    suffix = PurePosixPath(target.rstrip("/")).suffix.lower()
    if told is None and suffix in _OTHER_FILES:
        known = ", ".join(each.suffixes[0] for each in FORMATS if each.suffixes[0].count(".") == 1)
        raise UsageError(
            f"{shown}: no format that is written has files called {suffix}. Choose {known}, or for a folder of parts "
            "a name without a suffix."
        )
    if told is not None and isinstance(asked, Delta):
        raise UsageError(f"{shown}: a table of Delta Lake is a folder. Name one, without the suffix of a file.")
    if told is not None and asked not in {None, told}:
        raise UsageError(f"{shown}: files called so are {told.name}, and {name} was asked for. Choose another name.")
    return asked or told or FORMATS[0]
