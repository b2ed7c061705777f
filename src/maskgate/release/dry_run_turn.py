"""A releaser process makes dry runs: what its handlers would do, before anybody is asked whether they may.

It makes those alone that a key of its pinned ring asks for, of handlers that do what the gate says that they do. They
are made beside whatever else the process does, since somebody waits.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.errors import Conflict, MaskgateError, Refused
from maskgate.gate.action_asking import handler_digest
from maskgate.gate.calls import checked_arguments
from maskgate.gate.dry_runs import MOST_LINES, DryRun
from maskgate.gate.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.release.gate_link import GateLink

_LOG = logging.getLogger("maskgate.releaser")
_LONGEST_LINE = 2000
_PAUSE, _LONGEST_PAUSE = 0.25, 30.0


@dataclass(frozen=True)
class DryRunTurn:
    """What a releaser process tries actions with.

    Attributes:
        link: The gate.
        ring: The file of the pinned ring, read anew for each look.
        handlers: Its own, by verb, with their credentials.
    """

    link: GateLink
    ring: Path
    handlers: Mapping[str, ActionHandler]

    @property
    def _offering(self) -> list[str]:
        return [action for action, handler in self.handlers.items() if handler.offers_dry_run]

    def step(self) -> bool:
        """Make the dry runs that are waited for; say whether there were any."""
        if not self._offering:
            return False
        ring = Ring.load(self.ring)
        asked = self.link.take_dry_runs(self._offering)
        for envelope in asked:
            self._make(envelope, ring)
        return bool(asked)

    def run(self, is_stopping: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Make dry runs until stopped; what goes wrong with one does not end the others."""
        pause = _PAUSE
        while self._offering and not is_stopping():
            try:
                self.step()
                pause = _PAUSE
            except MaskgateError as error:
                pause = min(pause * 2, _LONGEST_PAUSE)
                _LOG.warning("no dry run can be made: %s", error)
            wait(pause)

    def _make(self, envelope: Any, ring: Ring) -> None:
        try:
            wanted = DryRun.opened(envelope, ring)
        except Refused as error:
            _LOG.warning("a dry run is not made: %s", error)  # whoever asked is told that it took too long
            return
        lines, refusal = self._lines(wanted)
        try:
            self.link.answer_dry_run(wanted.id, lines, refusal)
        except Conflict:
            _LOG.warning("nobody waits for the dry run of `%s` any more", wanted.action)

    def _lines(self, wanted: DryRun) -> tuple[list[str], str]:
        """Return what the handler would do, and else why that cannot be said."""
        handler = self.handlers.get(wanted.action)
        if handler is None or handler_digest(handler) != wanted.handler_digest:
            return [], (
                f"the releaser's handler of `{wanted.action}` does something else than the gate says. Write the same "
                "in gate.yaml and releaser.yaml."
            )
        try:
            arguments = checked_arguments(wanted.arguments)
            handler.check(wanted.resource, arguments)
            found = handler.dry_run(wanted.resource, arguments)
        except MaskgateError as error:
            return [], str(error)
        except Exception as error:  # noqa: BLE001  drivers raise what they like; their messages may hold values
            return [], f"the dry run of `{wanted.action}` could not be made ({type(error).__name__})."
        return [line[:_LONGEST_LINE] for line in (found or ())[:MOST_LINES]], ""
