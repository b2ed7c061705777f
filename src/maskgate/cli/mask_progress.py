"""Shows on stderr how far a run is: a bar to a person, lines to a log, JSON to a program."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.datasets import Progress


@contextmanager
def shown_progress(*, as_json: bool) -> Iterator[Callable[[Progress], None]]:
    """Return what shows progress; a bar goes away at the end."""
    from maskgate.datasets.progress import every_few_seconds  # noqa: PLC0415  `maskgate --help` needs no pyarrow

    if as_json:
        with _told_to_programs() as tell:
            yield tell
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield every_few_seconds(lambda progress: click.echo(f"masking {progress}", err=True))


@contextmanager
def _told_to_programs() -> Iterator[Callable[[Progress], None]]:
    """Write JSON every few seconds, and how far the run came at last: a short one has that line alone."""
    from maskgate.datasets.progress import every_few_seconds  # noqa: PLC0415  likewise

    last: list[Progress] = []

    def say(progress: Progress) -> None:
        last.clear()
        click.echo(json.dumps({"progress": progress.as_json()}), err=True)

    now_and_then = every_few_seconds(say)

    def tell(progress: Progress) -> None:
        last[:] = [progress]
        now_and_then(progress)

    try:
        yield tell
    finally:
        for progress in tuple(last):
            say(progress)


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console  # noqa: PLC0415  only people need it
    from rich.progress import BarColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (BarColumn(bar_width=20), TextColumn("masking {task.description}", markup=False))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(progress: Progress) -> None:
            bars.update(task, description=str(progress), completed=progress.rows, total=progress.expected_rows)

        yield show
