"""Rows of a masked dataset that a request names by their keys, so that nobody has to look tokens up first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.datasets.file_table import open_files
from maskgate.errors import MaskgateError, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = "rows"
_DATASET = "dataset"


@dataclass(frozen=True)
class MaskedDataset:
    """A registered dataset whose rows may be named.

    Attributes:
        uri: Where it is: a path or URI of files.
        key: The column by which rows are named; tokens are as good as anything.
        column: The column whose tokens are turned back.
        options: Storage options for fsspec; they may hold secrets.
    """

    uri: str
    key: str
    column: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, str]:
        """Return all of it but secrets."""
        return {"uri": self.uri, "key": self.key, "column": self.column}


def check_rows(arguments: Mapping[str, Any], datasets: Mapping[str, MaskedDataset], at_most: int) -> None:
    """See whether arguments name rows of a registered dataset.

    Raises:
        UsageError: If they are another thing than that, or are too many.
    """
    keys, name = arguments.get(ROWS), arguments.get(_DATASET)
    if set(arguments) != {ROWS, _DATASET} or not isinstance(keys, list) or not keys or not isinstance(name, str):
        raise UsageError("name a `dataset` and the keys of its `rows`, and nothing else")
    if name not in datasets:
        raise UsageError(f"no dataset of this name is registered. There are: {', '.join(sorted(datasets)) or 'none'}.")
    if {type(key) for key in keys} not in ({str}, {int}) or len(set(keys)) != len(keys) or len(keys) > at_most:
        raise UsageError(f"rows are at most {at_most} keys, each once, all texts or all whole numbers")


def tokens_of_rows(arguments: Mapping[str, Any], datasets: Mapping[str, MaskedDataset], at_most: int) -> pa.Table:
    """Read the tokens of the named rows.

    Returns:
        The columns ``row`` and ``token``, in the order of the dataset; rows without a token are left out.

    Raises:
        Refused: If a named row is not there, there are too many, or the dataset cannot be read.
    """
    dataset = datasets[arguments[_DATASET]]
    try:
        source = open_files(dataset.uri, storage=dataset.options)
        wanted = pa.array(arguments[ROWS]).cast(source.schema.field(dataset.key).type)
        found = [_picked(batch, dataset, wanted) for batch in source.batches([dataset.key, dataset.column])]
    except (MaskgateError, KeyError, ValueError, pa.ArrowException) as error:
        # The kind alone: a foreign message may hold a cell.
        raise Refused(f"the dataset {arguments[_DATASET]} cannot be read ({type(error).__name__}).") from None
    rows = pa.concat_tables(found) if found else pa.table({"row": wanted[:0], "token": pa.nulls(0, pa.string())})
    missing = len(wanted) - pc.count_distinct(rows["row"]).as_py()
    if missing:
        raise Refused(f"{missing} of the named rows are not in the dataset {arguments[_DATASET]}. Nothing was done.")
    if rows.num_rows > at_most:
        raise Refused(f"the named keys are those of {rows.num_rows} rows, and at most {at_most} may be named.")
    with_token = rows.filter(pc.is_valid(rows["token"]))
    if not with_token.num_rows:
        raise Refused("none of the named rows has a token there. Nothing was done.")
    return with_token


def _picked(batch: pa.RecordBatch, dataset: MaskedDataset, wanted: pa.Array) -> pa.Table:
    picked = pa.table({"row": batch[dataset.key], "token": batch[dataset.column]})
    return picked.filter(pc.is_in(picked["row"], value_set=wanted))
