"""How ``maskgate mask`` ends when it does not end well: what programs are told, and what a signal to stop does."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from maskgate.cli.main import INTERRUPTED
from maskgate.errors import MaskgateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_OF_A_SIGNAL = 128


@contextmanager
def told_ending(target: str, *, as_json: bool) -> Iterator[Callable[[], None]]:
    """Say what is kept of a run that fails or is stopped, and to programs all of it, as one JSON document.

    Args:
        target: Where the run writes to.
        as_json: Whether programs are told.

    Yields:
        What to call when the run is done: from then on it is not stopped, so that it is told what was done.

    Raises:
        SystemExit: If the process was told to end; what the run has begun is taken back by then, as after Ctrl-C.
    """
    try:
        with _stopping_by_signals() as done:
            yield done
    except BaseException as error:
        notes = getattr(error, "__notes__", ())
        for note in notes:
            click.echo(note, err=True)
        if isinstance(error, SystemExit):
            click.echo("maskgate: stopped.", err=True)
        if as_json:
            from maskgate.datasets.object_store import without_credentials  # noqa: PLC0415  --help needs no pyarrow

            document = {"target": without_credentials(target), "error": _told(error), "resumable": bool(notes)}
            click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        raise


def _told(error: BaseException) -> dict[str, Any]:
    if isinstance(error, MaskgateError):
        return {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    if isinstance(error, click.ClickException):
        return {"kind": UsageError.__name__, "message": error.format_message(), "exit_code": error.exit_code}
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return {"kind": "Stopped", "message": "stopped.", "exit_code": INTERRUPTED}
    if isinstance(error, SystemExit):
        return {"kind": "Stopped", "message": "stopped.", "exit_code": error.code}
    # Its own words may hold a cell.
    return {"kind": "Unexpected", "message": f"unexpected {type(error).__name__}.", "exit_code": 1}


@contextmanager
def _stopping_by_signals() -> Iterator[Callable[[], None]]:
    """Let signals that end a process end it as Ctrl-C does; what is ignored, as under ``nohup``, stays so.

    Yields:
        What has all of them ignored, for as long as this lasts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, *_SIGNALS)}

    def ignore() -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)

    for each in _SIGNALS:
        if before[each] is signal.SIG_DFL:
            signal.signal(each, _stop)
    try:
        yield ignore
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(_OF_A_SIGNAL + number)
