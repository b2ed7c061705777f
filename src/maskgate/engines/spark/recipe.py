"""What travels to an executor: the rules as JSON and references to keys, never a key."""

from __future__ import annotations

from collections.abc import Mapping
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
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from maskgate.keys import Key
    from maskgate.rules.rule import AnyRule

# Spark's own batches are small: ten thousand rows.
_ROWS, _BYTES = 65_536, 64 << 20
_FINGERPRINT_BYTES = 8


@dataclass(frozen=True)
class Recipe:
    """How to make the plan of a table, wherever it is needed.

    Attributes:
        rules: The rules as JSON values, with references to keys.
        table: What they call the table.
        base: The folder that relative references start from.
        versions: The version of each key that the driver has found, and the fingerprint, which tell an executor
            whether it has found the same; nothing leads from a fingerprint to the key.
    """

    rules: Mapping[str, Any] = field(repr=False)
    table: str
    base: str | None
    versions: tuple[tuple[str, int, str], ...]

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
            _check_references(references, rules)
            rules = replace(rules, keys={**rules.keys, **references})
        ring = resolve_keys(rules, [table], None)
        base = None if rules.path is None else str(rules.path.parent.absolute())
        versions = tuple(sorted((name, *_told_of(ring.get(name))) for name in ring))
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


def _check_references(references: Any, rules: Rules) -> None:
    if not isinstance(references, Mapping):
        raise UsageError(
            f"keys: references by the names of keys are expected here, such as {{'people': 'env:NAME'}}, not "
            f"{type(references).__name__}."
        )
    for name in references:
        if name not in rules.keys:
            raise UsageError(f'keys: the rules have no key "{name}".{did_you_mean(str(name), rules.keys)}')


@lru_cache(maxsize=4)
def _ring(
    references: tuple[tuple[str, str], ...], base: str | None, versions: tuple[tuple[str, int, str], ...]
) -> KeyRing:
    ring = KeyRing.resolve(dict(references), base=None if base is None else Path(base))
    expected = {name: (version, fingerprint) for name, version, fingerprint in versions}
    for name in ring:
        found = _told_of(ring.get(name))
        if found != expected[name]:
            differs = f"version {found[0]}" if found[0] != expected[name][0] else "another key"
            raise KeyReferenceError(
                f'key "{name}": this executor finds {differs}, and the driver has found version {expected[name][0]}. '
                "Give all of them the same."
            )
    return ring


def _told_of(key: Key) -> tuple[int, str]:
    """Return what tells one key from another, and may travel."""
    return key.version, key.subkey(purpose="fingerprint", length=_FINGERPRINT_BYTES).hex()


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
