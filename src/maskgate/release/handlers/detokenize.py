"""An action that brings values back for named tokens, with keys that only this gate holds.

The resource is the domain, the arguments are the tokens, or rows of a registered dataset by their keys. The values go
into a new file of the folder that the configuration names, readable for the gate's own user alone; the receipt says how
many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet

from maskgate.approval.values_back import (
    check_tokens,
    must_be_of_kind,
    must_be_reversible,
    values_of,
    write_privately,
)
from maskgate.errors import KeyReferenceError, Refused
from maskgate.gate.action_handler import Outcome
from maskgate.release.handlers.named_rows import ROWS, MaskedDataset, check_rows, tokens_of_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.action_handler import ActionOrder
    from maskgate.rules import Rules


@dataclass(frozen=True)
class DetokenizeHandler:
    """Turns tokens back into values.

    Attributes:
        action: The verb that it is registered for.
        rules: The rules that made the tokens; they refer to the keys.
        output: The folder that the values go to.
        at_most_rows: How many tokens one request may name.
        seconds: How long it may take.
        datasets: Masked datasets whose rows may be named, by name.
    """

    action: str
    rules: Rules
    output: Path
    at_most_rows: int = 1000
    seconds: int = 60
    datasets: Mapping[str, MaskedDataset] = field(default_factory=dict)

    is_elsewhere: ClassVar[bool] = False

    @property
    def time_limit(self) -> timedelta:
        """How long it may take."""
        return timedelta(seconds=self.seconds)

    @property
    def offers_dry_run(self) -> bool:
        """It can: by counting."""
        return True

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {
            "kind": "detokenize",
            "rules": self.rules.digest,
            "output": str(self.output),
            "at_most_rows": self.at_most_rows,
            **({"datasets": {name: each.as_json() for name, each in self.datasets.items()}} if self.datasets else {}),
        }

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:
        """See whether these are tokens of a domain that can be turned back."""
        must_be_reversible(self.rules, resource)
        if ROWS in arguments:
            check_rows(arguments, self.datasets, self.at_most_rows)
        else:
            must_be_of_kind(self.rules, resource, check_tokens(arguments, self.at_most_rows))

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Say how many values it would bring back, and look at none."""
        if ROWS in arguments:
            found = tokens_of_rows(arguments, self.datasets, self.at_most_rows)
            named = f"{len(arguments[ROWS])} rows of {arguments['dataset']}"
            tokens = f"{found.num_rows} tokens of {resource}, in {named}"
            return (f"It would write the values of {tokens}, to a file of {self.output}.",)
        count = len(check_tokens(arguments, self.at_most_rows))
        return (f"It would write the values of {count} tokens of {resource} to a file of {self.output}.",)

    def run(self, order: ActionOrder) -> Outcome:
        """Write the values."""
        try:
            table = self._values(order)
        except KeyReferenceError as error:
            raise Refused(f"the key of the domain {order.resource} cannot be had. Nothing was done. {error}") from None
        write_privately(table, self._file(order.grant))
        return Outcome(succeeded=True, exit_code=table.num_rows)

    def _values(self, order: ActionOrder) -> pa.Table:
        if ROWS not in order.arguments:
            return values_of(self.rules, order.resource, check_tokens(order.arguments, self.at_most_rows))
        found = tokens_of_rows(order.arguments, self.datasets, self.at_most_rows)
        values = values_of(self.rules, order.resource, found["token"].to_pylist())
        return values.add_column(0, "row", found["row"])

    def probe(self, grant: str) -> Outcome | None:
        """Look for the file; it appears whole."""
        file = self._file(grant)
        if not file.exists():
            return None
        return Outcome(succeeded=True, exit_code=pyarrow.parquet.read_metadata(file).num_rows)

    def _file(self, grant: str) -> Path:
        return self.output / f"{grant}.parquet"
