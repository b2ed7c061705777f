"""Mask one table into one file, or into a folder with a manifest."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from maskgate.datasets.bundle import describe
from maskgate.datasets.dictionaries import with_dictionaries
from maskgate.datasets.file_target import FileTarget
from maskgate.datasets.formats import stem_of
from maskgate.datasets.layout import Layout
from maskgate.datasets.manifest import make_manifest
from maskgate.datasets.object_store import plain_path, without_credentials
from maskgate.datasets.run import MEMORY, default_workers, mask_into, plan_all
from maskgate.datasets.sources import open_source
from maskgate.datasets.sql_target import SqlTable, mask_into_table
from maskgate.errors import UsageError
from maskgate.masking.table import resolve_keys
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from maskgate.datasets.progress import Progress
    from maskgate.datasets.run import MaskedTable
    from maskgate.keys import KeyRing
    from maskgate.masking import MaskingReport
    from maskgate.rules import Rules


@dataclass(frozen=True)
class MaskedDataset:
    """A dataset that was masked and written.

    Attributes:
        manifest: Its files with their SHA-256, its schema; in a folder also written as ``manifest.json``.
        report: Counts.
        table: What the rules call it, with its ``columns`` as lineage wants them.
    """

    manifest: Mapping[str, Any]
    report: MaskingReport
    table: Mapping[str, Any]


def mask_dataset(
    source: Any,
    target: str | os.PathLike[str] | SqlTable,
    rules: Rules,
    *,
    table_name: str | None = None,
    keys: KeyRing | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
    layout: Layout | None = None,
    source_format: str | None = None,
    source_options: Mapping[str, Any] | None = None,
    target_format: str | None = None,
    resume: bool = False,
    memory: int | None = None,
) -> MaskedDataset:
    """Mask a dataset of one table, all or nothing, in bounded memory.

    Args:
        source: Path or URI of a file, of a folder of them, or a pattern; a version of a Delta Lake table; a query; or
            a table, reader or data frame.
        target: A new table of a database, or a path or URI. With the suffix of a format (``.parquet``) that is one
            file, otherwise a folder of parts with a manifest. It must not exist, or be an empty folder.
        rules: What to do.
        table_name: What the rules call the table; None for the stem of the source, or the only table of the rules.
        keys: The keys; None to resolve the references in the rules.
        progress: Told after every batch.
        workers: Threads that mask; None for as many as there are cores, up to four.
        layout: How the files are laid out; None for what suits most.
        source_format: What format the files of the source have; None to go by their names.
        source_options: What else is declared of them; each format has its own.
        target_format: What format the masked files get; None to go by the target's name, or else Parquet.
        resume: Go on where a run of the same masking was interrupted; if none was, begin; if one had finished, mask
            once more, and compare.
        memory: How many bytes of rows may be held at once; a larger table of which a method must see all rows is
            masked in two passes. None for 1 GiB.

    Raises:
        UsageError: If the rules, their keys or the table's name do not fit.
        DatasetError: If the source cannot be read or the target not written.
        MaskingError: If a method cannot take a value.
    """
    _check_numbers(workers=workers, memory=memory, **_numbers_of(layout or Layout()))
    place = _place_of(target, source, target_format, layout, resume=resume)
    opened = open_source(table_name or "data", source, format_name=source_format, options=source_options)
    name = table_name or _name_of(source, rules)
    ring = resolve_keys(rules, [name], keys)
    plan = plan_all({name: opened}, rules, ring)[name]
    how: dict[str, Any] = {"progress": progress, "workers": workers or default_workers(), "memory": memory or MEMORY}
    if isinstance(place, SqlTable):
        return _made(rules, name, mask_into_table(place, opened, plan, **how))
    with place.opened(opened, plan, rules, resume=resume) as sink:
        quick = with_dictionaries(plan, opened, rules, ring)
        masked = mask_into(sink, place.names, opened, plan, quick=quick, **how)
        made = _made(rules, name, masked)
        place.complete(sink.output, masked, made.manifest)
    return made


def _numbers_of(layout: Layout) -> dict[str, int | None]:
    return {"layout.file_bytes": layout.file_bytes, "layout.row_group_rows": layout.row_group_rows}


def _check_numbers(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise UsageError(f"{name} is {number}, and must be 1 or more.")


def _place_of(
    target: str | os.PathLike[str] | SqlTable,
    source: Any,
    format_name: str | None,
    layout: Layout | None,
    *,
    resume: bool,
) -> SqlTable | FileTarget:
    """Return where the masked rows go.

    Raises:
        UsageError: If they cannot go there, or the source would take them in.
    """
    if isinstance(target, SqlTable):
        if resume or format_name is not None or layout not in {None, Layout()}:
            raise UsageError(
                "a table of a database has no layout and no format, and is written in one transaction, of which "
                "nothing is left to resume."
            )
        return target
    files = FileTarget.named(_path_of("target", target), format_name, layout or Layout())
    if isinstance(source, str | os.PathLike):
        _check_apart(_path_of("source", source), files)
    return files


def _path_of(called: str, given: str | os.PathLike[str]) -> str:
    path = plain_path(os.fspath(given))
    if not path or "\0" in path:
        raise UsageError(f"the {called} is no path and no URI.")
    return path


def _check_apart(source: str, target: FileTarget) -> None:
    """Refuse a target that lies in the source's folder, or that its pattern would find the next time."""
    place, shown = target.place, without_credentials(target.place)
    if "://" not in source and "://" not in place:
        source, place = os.path.realpath(source), os.path.realpath(place)
    if place.startswith(f"{source.rstrip('/')}/"):
        raise UsageError(f"{shown}: it lies in the folder that is masked. Choose a place beside it.")
    first = target.names.at(0, target.format.suffixes[0])
    written = place if target.names.only else f"{place.rstrip('/')}/{first}"
    if glob.has_magic(source) and _finds(source.split("/"), written.split("/")):
        raise UsageError(
            f"{shown}: the pattern of what is masked finds it too, so that the next run would mask it again. Choose "
            "another place or name."
        )


def _finds(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Say whether a pattern finds a path; both as their steps, of which ``**`` stands for any number."""
    if not pattern or not path:
        return not path and set(pattern) <= {"**"}
    if pattern[0] == "**":
        return _finds(pattern[1:], path) or _finds(pattern, path[1:])
    return fnmatchcase(path[0], pattern[0]) and _finds(pattern[1:], path[1:])


def _made(rules: Rules, name: str, masked: MaskedTable) -> MaskedDataset:
    """Say what was masked and written."""
    return MaskedDataset(make_manifest(rules, {name: masked}), masked.report, {"table": name, **describe(masked)})


def _name_of(source: Any, rules: Rules) -> str:
    if isinstance(source, str | os.PathLike):
        stem = stem_of(os.fspath(source))
        if stem in rules.tables:
            return stem
        if len(rules.tables) > 1:
            raise UsageError(
                f'the rules have no table "{stem}", which is what the source is called.'
                f"{did_you_mean(stem, rules.tables)} Or name the table: --table NAME, table_name=."
            )
    elif len(rules.tables) > 1:
        raise UsageError(f"name the table: the rules have {', '.join(sorted(rules.tables))}.")
    return next(iter(rules.tables))
