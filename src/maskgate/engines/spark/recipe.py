"""What travels to an executor: the rules as JSON and references to keys, never a key."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.errors import KeyReferenceError, UsageError
from maskgate.keys import KeyRing
from maskgate.masking import MaskingPlan
from maskgate.masking.joining import joined
from maskgate.masking.table import resolve_keys
from maskgate.rules import Rules
from maskgate.rules.model import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

    from maskgate.rules.rule import AnyRule

# Spark's own batches are small: ten thousand rows.
_ROWS, _BYTES = 65_536, 64 << 20


@dataclass(frozen=True)
class Recipe:
    """How to make the plan of a table, wherever it is needed.

    Attributes:
        rules: The rules as JSON values, with references to keys.
        table: What they call the table.
        base: The folder that relative references start from.
        versions: The version of each key that the driver has found, which an executor has to find too.
    """

    rules: Mapping[str, Any] = field(repr=False)
    table: str
    base: str | None
    versions: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, rules: Rules, table: str, references: Mapping[str, str] | None) -> Recipe:
        """Look the keys up once, on the driver.

        Raises:
            UsageError: If keys are given as what they are, or the rules have no such table.
            KeyReferenceError: If one cannot be had.
        """
        if isinstance(references, KeyRing):
            raise UsageError(
                "keys must not travel to executors. Give their references, such as keys={'people': 'env:NAME'}, or "
                "leave it to those of the rules; every executor resolves them by itself."
            )
        if references is not None:
            rules = replace(rules, keys={**rules.keys, **references})
        ring = resolve_keys(rules, [table], None)
        base = None if rules.path is None else str(rules.path.parent.absolute())
        versions = tuple(sorted((name, ring.get(name).version) for name in ring))
        # The driver sees to the checks: they are about the whole table.
        rules = replace(rules, tables={table: replace(rules.tables[table], check=Check())})
        return cls(rules.as_json(), table, base, versions)

    def with_columns(self, columns: Mapping[str, AnyRule]) -> Recipe:
        """Return the recipe with other rules for some columns."""
        rules = Rules.from_json(self.rules, plugins=True)
        table = rules.tables[self.table]
        changed = replace(table, columns={**table.columns, **columns})
        return replace(self, rules=replace(rules, tables={self.table: changed}).as_json())

    def only(self, column: str, rule: AnyRule) -> Recipe:
        """Return the recipe with the rule of one column, and no other."""
        rules = Rules.from_json(self.rules, plugins=True)
        alone = replace(rules.tables[self.table], columns={column: rule})
        return replace(self, rules=replace(rules, tables={self.table: alone}, unlisted="drop").as_json())

    def plan(self, schema: pa.Schema) -> MaskingPlan:
        """Make the plan.

        Raises:
            PlanError: If the rules do not fit the schema.
            KeyReferenceError: If a key cannot be had here, or has another version than on the driver.
        """
        path = None if self.base is None else Path(self.base) / "rules.yaml"
        rules = Rules.from_json(self.rules, path, plugins=True)
        references = tuple(sorted(rules.references([self.table]).items()))
        ring = _ring(references, self.base, self.versions)
        return MaskingPlan.make(rules, self.table, schema, ring)


@lru_cache(maxsize=4)
def _ring(references: tuple[tuple[str, str], ...], base: str | None, versions: tuple[tuple[str, int], ...]) -> KeyRing:
    ring = KeyRing.resolve(dict(references), base=None if base is None else Path(base))
    expected = dict(versions)
    for name in ring:
        if ring.get(name).version != expected[name]:
            raise KeyReferenceError(
                f'key "{name}": this executor finds version {ring.get(name).version}, and the driver has found '
                f"{expected[name]}. Give all of them the same."
            )
    return ring


def in_larger(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Put small batches together, so that keys and plans pay."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        pending.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield joined(pending, batch.schema)
            pending, rows, size = [], 0, 0
    if pending:
        yield joined(pending, pending[0].schema)
