"""Mask several tables into one staging."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.datasets.dictionaries import with_dictionaries
from maskgate.datasets.formats import format_called
from maskgate.datasets.layout import Layout
from maskgate.datasets.manifest import NAME, make_manifest, manifest_bytes
from maskgate.datasets.outputs import open_output
from maskgate.datasets.parts import Names, Sink
from maskgate.datasets.run import mask_into, plan_all
from maskgate.datasets.sources import open_source
from maskgate.datasets.storage_errors import translated
from maskgate.errors import UsageError
from maskgate.masking.table import resolve_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.datasets.outputs import Output
    from maskgate.datasets.progress import Progress
    from maskgate.datasets.run import MaskedTable
    from maskgate.keys import KeyRing
    from maskgate.rules import Rules


@dataclass(frozen=True)
class MaskedBundle:
    """Tables that were masked and written together.

    Attributes:
        manifest: What ``manifest.json`` holds.
        report: Counts for each table.
        tables: For each table its ``rows``, its ``source``, and its ``columns`` as lineage wants them.
    """

    manifest: Mapping[str, Any]
    report: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, Any]]


def mask_bundle(
    sources: Mapping[str, Any],
    target: str | os.PathLike[str] | Output,
    rules: Rules,
    *,
    keys: KeyRing | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
    layout: Layout | None = None,
) -> MaskedBundle:
    """Mask tables into ``<target>/<table>/part-00000.parquet`` and so on, and write ``<target>/manifest.json`` last.

    Args:
        sources: For each table of the rules a path or URI of Parquet, a pyarrow table or reader, or a data frame.
        target: A folder that exists and is empty, the URI of a prefix in an object store, or an output of one's own.
        rules: What to do.
        keys: The keys; None to resolve the references in the rules.
        progress: Told after every batch.
        workers: Threads that mask; None for as many as there are cores, up to four.
        layout: How the files are laid out; None for what suits most.

    Raises:
        MaskgateError: Of which kind it may be, the target is as it was before.
    """
    if not sources:
        raise UsageError("there is no table to mask. Name at least one source.")
    names = sorted(sources)
    ring = resolve_keys(rules, names, keys)
    opened = {name: open_source(name, sources[name]) for name in names}
    plans = plan_all(opened, rules, ring)
    output = open_output(os.fspath(target), existing=True) if isinstance(target, str | os.PathLike) else target
    sink = Sink(output, format_called("parquet"), layout or Layout())
    try:
        masked = {
            name: mask_into(
                sink,
                Names(f"{name}/"),
                opened[name],
                plans[name],
                progress=progress,
                workers=workers,
                quick=with_dictionaries(plans[name], opened[name], rules, ring),
            )
            for name in names
        }
        manifest = make_manifest(rules, masked)
        write_manifest(output, manifest)
        output.finish()
    except BaseException:
        output.abandon()
        raise
    return MaskedBundle(manifest, manifest["report"], {name: describe(table) for name, table in masked.items()})


def describe(table: MaskedTable) -> dict[str, Any]:
    """Return what lineage wants to know of a masked table."""
    return {
        "rows": table.report.rows,
        "source": table.uri,
        "columns": [column.as_json() for column in table.plan.columns],
    }


def write_manifest(output: Output, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, after all files that it names."""
    write_file(output, NAME, manifest_bytes(manifest))


def write_file(output: Output, name: str, content: bytes) -> None:
    """Write a small file."""
    file = output.create(name)
    try:
        translated(name, lambda: file.write(content))
        translated(name, file.flush)
    finally:
        translated(name, file.close)
