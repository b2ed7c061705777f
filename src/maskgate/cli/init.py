"""``maskgate init``: first rules, keys, policy and gate configuration for somebody's data."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgate.cli.first_files import GATE, POLICY
from maskgate.cli.key_file import write_key_file
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.cli.first_rules import Sample
    from maskgate.datasets.source import Source

_SAMPLE_ROWS = 50_000
_RULES, _POLICY, _GATE = "rules.yaml", "policy.yaml", "gate.yaml"


@click.command(name="init")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--into",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to write to; by default this one.",
)
def init(data: Path, folder: Path) -> None:
    """Write first rules for DATA, with keys, a policy and a configuration of the gate.

    DATA is a file, or a folder of them: files with the same columns are parts of one table, others are tables of
    their own. A folder of partitions, and a table of Delta Lake, is one table. Nothing that exists is replaced.
    """
    from maskgate.cli.first_rules import propose_rules  # noqa: PLC0415  `maskgate --help` needs no pyarrow

    tables = _tables(data)
    samples = [_sample(name, files) for name, files in tables.items()]
    rules = propose_rules(samples, datetime.now(UTC).year)
    keys = _check(rules, samples)
    _write(folder, {_RULES: rules, _POLICY: POLICY, _GATE: GATE}, keys)
    _say_next_steps(data, folder, tables)


def _tables(data: Path) -> dict[str, Source]:
    from maskgate.datasets.file_table import open_files  # noqa: PLC0415
    from maskgate.datasets.formats import format_of, stem_of  # noqa: PLC0415

    if not data.exists():
        raise DatasetError(f"{data}: there is no such file or folder. Name a file of data, or a folder of them.")
    files = [data] if data.is_file() else sorted(each for each in data.glob("[!._]*") if format_of(each.name))
    if not files or (data / "_delta_log").is_dir():  # files by partition, or those that a log names
        return {data.resolve().name: open_files(str(data))}
    found: dict[str, Source] = {}
    for file in files:
        name = stem_of(file.name)
        if name in found:
            raise DatasetError(f"{data}: two files are called {name}, and a table has one name. Move one of them away.")
        found[name] = open_files(str(file))
    layouts = {tuple((item.name, item.type) for item in each.schema) for each in found.values()}
    if len(found) > 1 and len(layouts) == 1:
        return {data.resolve().name: open_files(str(data))}
    return found


def _sample(name: str, files: Source) -> Sample:
    import pyarrow as pa  # noqa: PLC0415

    from maskgate.cli.first_rules import Sample  # noqa: PLC0415

    batches, rows = [], 0
    for batch in files.batches():
        batches.append(batch.slice(0, _SAMPLE_ROWS - rows))
        rows += batches[-1].num_rows
        if rows >= _SAMPLE_ROWS:
            break
    nulls = dict.fromkeys(files.schema.names, 0)
    ids = [each for each in nulls if "id" in each.lower()]
    for batch in files.batches(ids) if ids else ():
        for each in ids:
            nulls[each] += batch.column(each).null_count
    complete = frozenset(each for each in ids if nulls[each] == 0)
    return Sample(name, pa.Table.from_batches(batches, schema=files.schema), complete)


def _check(rules: str, samples: list[Sample]) -> list[str]:
    """Hold the proposed rules to the data, before they are written; return the keys they need."""
    from maskgate.keys import Key, KeyRing  # noqa: PLC0415
    from maskgate.masking import MaskingPlan  # noqa: PLC0415
    from maskgate.rules import read_rules  # noqa: PLC0415

    read = read_rules(rules, _RULES)
    stand_ins = KeyRing({name: Key(name, bytes(32)) for name in read.keys})
    for sample in samples:
        MaskingPlan.make(read, sample.name, sample.rows.schema, stand_ins)
    return list(read.keys)


def _write(folder: Path, texts: Mapping[str, str], keys: list[str]) -> None:
    """Write everything, or nothing."""
    wanted = [*texts, *(f"keys/{key}.key" for key in keys)]
    existing = [name for name in wanted if (folder / name).exists()]
    if existing:
        raise UsageError(f"{', '.join(existing)}: nothing is replaced. Move it away, or write --into another folder.")
    written: list[Path] = []
    failure = ""
    try:
        for key in keys:
            write_key_file(folder / "keys" / f"{key}.key")
            written.append(folder / "keys" / f"{key}.key")
        ignored = folder / "keys" / ".gitignore"
        if keys and not ignored.exists():
            written.append(_create(ignored, "# Keys belong in no repository.\n*\n"))
        for name, text in texts.items():
            written.append(_create(folder / name, text))
    except OSError as error:
        failure = f"{folder}: it cannot be written: {error.strerror}."
    if failure:
        for file in written:
            file.unlink(missing_ok=True)
        raise DatasetError(failure)


def _create(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def _say_next_steps(data: Path, folder: Path, tables: Mapping[str, Source]) -> None:
    rules = folder / _RULES
    click.echo(f"Wrote {rules}, {folder / _POLICY}, {folder / _GATE} and the keys they refer to.\n", err=True)
    click.echo(f"1. Read {rules} line by line: what was recognised is a guess.", err=True)
    click.echo("2. Mask:", err=True)
    for name, files in tables.items():
        is_one_file = data.is_file() or len(tables) > 1
        source = files.inputs[0].name if is_one_file else data
        words = ("maskgate", "mask", str(rules), str(source), f"masked/{name}.parquet", "--table", name)
        click.echo(f"     {shlex.join(words)}", err=True)
    click.echo(f"3. Put your people into {folder / _POLICY}, and your hosts into {folder / _GATE}.", err=True)
    click.echo(f"4. Start the gate: maskgate serve --config {folder / _GATE}", err=True)
