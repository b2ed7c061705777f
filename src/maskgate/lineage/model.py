"""Lineage as values that go into the ledger, to a host and to a catalog."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.datasets import MaskedBundle


@dataclass(frozen=True)
class ColumnLineage:
    """What became of one column.

    Attributes:
        input: Its name in the original.
        method: The name of the method.
        output: Its name in the masked data; None if it was dropped.
        domain: The token space, if it was tokenized.
        key: The name of the key, if one was used.
        key_version: The version of that key.
        description: What was done, for people.
    """

    input: str
    method: str
    output: str | None
    domain: str | None = None
    key: str | None = None
    key_version: int | None = None
    description: str = ""


@dataclass(frozen=True)
class TableLineage:
    """What became of one table.

    Attributes:
        table: Its name in the rules.
        source: Where the original is, without credentials; None if it was in memory.
        rows: Rows that were masked.
        columns: In the order of the original.
    """

    table: str
    source: str | None
    rows: int
    columns: tuple[ColumnLineage, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the lineage as JSON values."""
        return {**asdict(self), "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TableLineage:
        """Make the lineage that :meth:`as_json` wrote."""
        columns = tuple(ColumnLineage(**column) for column in value["columns"])
        return cls(value["table"], value.get("source"), value["rows"], columns)


@dataclass(frozen=True)
class RunLineage:
    """What became of the tables of one run.

    Attributes:
        rules_digest: Digest of the rules that said so.
        tables: By name.
    """

    rules_digest: str
    tables: tuple[TableLineage, ...]

    @classmethod
    def of(cls, bundle: MaskedBundle) -> RunLineage:
        """Return the lineage of tables that were masked together."""
        tables = [TableLineage.from_json({"table": name, **table}) for name, table in sorted(bundle.tables.items())]
        return cls(bundle.manifest["rules"]["digest"], tuple(tables))

    def as_json(self) -> dict[str, Any]:
        """Return the lineage as JSON values."""
        return {"rules_digest": self.rules_digest, "tables": [table.as_json() for table in self.tables]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunLineage:
        """Make the lineage that :meth:`as_json` wrote."""
        return cls(value["rules_digest"], tuple(TableLineage.from_json(table) for table in value["tables"]))
