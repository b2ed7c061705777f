"""Columns of which few values repeat, read as the file has them: each value once, and a code a row.

Methods mask the values and leave the codes; what is written says the same, without having been spread out in between.
The cells are those that a column without a dictionary would have (a law, which tests of every method hold), and the
masked file has the same schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.errors import MaskgateError
from maskgate.masking import MaskingPlan

if TYPE_CHECKING:
    from maskgate.datasets.source import Source
    from maskgate.keys import KeyRing
    from maskgate.rules import Rules

_ATTEMPTS = 2


def with_dictionaries(plan: MaskingPlan, source: Source, rules: Rules, keys: KeyRing) -> tuple[MaskingPlan, Source]:
    """Return the plan and the source with dictionaries where both know how to handle them; else as they are."""
    names = () if plan.whole_table or source.as_dictionaries is None else source.repeating
    for _ in range(_ATTEMPTS):
        if not names or source.as_dictionaries is None:
            break
        encoded = source.as_dictionaries(names)
        try:
            quick = MaskingPlan.make(rules, plan.table, encoded.schema, keys)
        except MaskgateError:
            break
        other = _differing(plan.output_schema, quick.output_schema)
        if not other:
            return quick, encoded
        names = tuple(name for name in names if name not in other)
    return plan, source


def _differing(plain: pa.Schema, encoded: pa.Schema) -> set[str]:
    """Return the columns that would come out as something else than the same cells behind a dictionary."""
    types = {item.name: item.type for item in encoded}
    return {item.name for item in plain if _value_type(types.get(item.name)) != _value_type(item.type)}


def _value_type(kind: pa.DataType | None) -> pa.DataType | None:
    return kind.value_type if kind is not None and pa.types.is_dictionary(kind) else kind
