"""What a demo says while it runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from demo.outcome import Outcome, masked_row, verify_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.gate_server import GateServer


class Story:
    """Tells what happens, with the seconds since the start."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._start = time.monotonic()

    def say(self, text: str, style: str = "") -> None:
        """Say one thing."""
        seconds = f"{time.monotonic() - self._start:6.1f} s  "
        self.console.print(Text(seconds, style="dim").append(text, style=style or "default"))

    def show(self, title: str, lines: Iterable[str]) -> None:
        """Show a few lines that people need in order to go on."""
        # No frame: in a narrow terminal it would cut addresses short.
        self.console.print(Rule(title, style="cyan"), *lines, Rule(style="cyan"), sep="\n", markup=False)

    def released(self, outcome: Outcome, data: Path, gate: GateServer) -> None:
        """Show what was released where, the ledger's verdict, and one row before and after."""
        receipt = outcome.request["receipt"]
        files = [
            f"  {file['path']}  {file['size']:,} bytes  sha256 {file['sha256'][:16]}…" for file in receipt["files"]
        ]
        self.show("Released", [receipt["location"], *files, f"content {receipt['content_digest']}"])
        self.signatures(outcome)
        self.verdict(gate)
        self.console.print(_comparison(masked_row(data, Path(receipt["location"]))))

    def held(self, outcome: Outcome, gate: GateServer) -> None:
        """Show why nothing was released."""
        self.show("Not released", [outcome.request["message"], f"{gate.released} is empty"])
        self.signatures(outcome)
        self.verdict(gate)

    def signatures(self, outcome: Outcome) -> None:
        """Say who decided what, and why."""
        for decision in outcome.request["decisions"]:
            self.say(f"{decision['person']} via {decision['channel']}: {decision['verdict']}, “{decision['reason']}”")
        self.say(f"in the ledger: {', '.join(entry['type'] for entry in outcome.entries)}")

    def verdict(self, gate: GateServer) -> None:
        """Say what the ledger says of itself."""
        holds, text = verify_ledger(gate)
        self.say("maskgate ledger verify:", style="green" if holds else "red")
        self.console.print(text)

    def problems(self, outcome: Outcome) -> int:
        """Say what did not happen as it should; return the exit code."""
        for problem in outcome.problems:
            self.say(problem, style="bold red")
        return 1 if outcome.problems else 0


def _comparison(row: list[tuple[str, Any, Any]]) -> Table:
    table = Table(title="One customer, before and after", title_style="bold")
    for name in ("column", "original", "released"):
        table.add_column(name, overflow="fold")
    for name, before, after in row:
        table.add_row(Text(name), Text(str(before)), Text("dropped" if after is None else str(after)))
    return table
