"""Masks one column by one rule, the way a run does: a plan is made once, and each batch goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from columns import column

from maskgate.keys import Key, KeyRing
from maskgate.masking import MaskingPlan
from maskgate.rules import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = bytes(range(32))
OLD_SECRET = bytes(range(1, 33))
KEY = Key("people", SECRET, 2, {1: OLD_SECRET})
KEYS = KeyRing({"people": KEY})
BATCH_ROWS = 1_000_000

RULES = """
version: 1
keys: {people: "env:UNUSED"}
domains:
  hmac: {scheme: hmac}
  cmac: {scheme: cmac}
  encrypt: {scheme: encrypt}
  encrypt32: {scheme: encrypt, format: base32}
  normalized: {scheme: cmac, normalize: [trim, lower, nfc]}
  digits: {scheme: fpe, alphabet: digits}
  alphanumeric: {scheme: fpe, alphabet: alphanumeric}
  customer: {scheme: fpe, digits: 10}
  base32: {scheme: cmac, format: base32}
  base58: {scheme: cmac, format: base58}
  integer: {scheme: cmac, format: integer}
  uuid: {scheme: cmac, format: uuid}
unlisted: drop
tables:
  t:
    entity: id
    columns:
      %s: %s
"""


def masker(name: str, rule: str, values: pa.Array | None = None) -> Callable[[], object]:
    """Return the work of masking a column.

    Args:
        name: The column's name, known to `columns.py` or given with its values.
        rule: Its rule, in YAML.
        values: The column; None for the one of that name.
    """
    values = column(name) if values is None else values
    beside = {each: column(each).slice(0, len(values)) for each in ("id", "city", "grade")}
    table = pa.table({**beside, name: values})
    plan = MaskingPlan.make(load_rules(RULES % (name, rule)), "t", table.schema, KEYS)
    batches = table.combine_chunks().to_batches(None if plan.whole_table else BATCH_ROWS)
    return lambda: [plan.mask_batch(batch) for batch in batches]
