"""Masking a batch takes memory for a few copies of it, not for many: at most six times the batch, output included."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from specifications.generated_tables import HEAD, KEYS

from maskgate.masking import MaskingPlan
from maskgate.rules import load_rules

ROWS = 131_072
# A pool must outlive what was taken from it.
POOLS: list[pa.MemoryPool] = []
MOST = 6

TEXTS = (
    "keep",
    "redact",
    "nullify",
    "mask",
    "{method: token, domain: cmac}",
    "{method: token, domain: hmac}",
    "{method: token, domain: encrypt}",
    "{method: mask, keep_last: 4, keep: '@.'}",
    "{method: mask, keep_first: 1, keep_last: 4, length: 5}",
    "{method: fake, kind: name}",
    "{method: fake, kind: email, unique: true}",
    "shuffle",
    "{method: swap, within: [entity]}",
    "{method: generalize, keep_first: 3}",
    "{method: truncate, length: 5}",
    "{method: scrub, find: [email, phone, card, ssn, ip, iban]}",
)
NUMBERS = (
    "{method: token, domain: cmac}",
    "{method: noise, scale: 500, min: 0, max: 250000}",
    "{method: noise, kind: geometric, scale: 500, min: 0, max: 250000}",
    "{method: round, to: 100}",
    "shuffle",
    "swap",
    "{method: swap, rank_distance: 5}",
    "{method: top_code, at: 200000}",
    "{method: generalize, band: 1000}",
)
DATES = ("{method: shift_date, days: 180}", "{method: generalize, to: month}", "{method: truncate, to: month}")


def column(kind: str) -> pa.Array:
    numbers = np.random.default_rng(7).integers(0, 250_000, ROWS)
    match kind:
        case "texts":
            return pa.array([f"user{number:09d}@mail{number % 7}.example.com wrote this to us" for number in numbers])
        case "numbers":
            return pa.array(numbers)
        case "wide numbers":
            return pa.array(numbers + 2**60)
        case _:
            return pa.array((numbers // 10).astype(np.int32)).cast(pa.date32()).cast(pa.timestamp("us"))


WAYS = [
    pytest.param(kind, rule, id=f"{kind}: {rule}")
    for kind, rules in (
        ("texts", TEXTS),
        ("numbers", NUMBERS),
        ("wide numbers", ("{method: noise, scale: 500}", "shuffle")),
        ("dates", DATES),
    )
    for rule in rules
]


class TestBatchMemory:
    """Arrow's pool and everything numpy and Python take, at the highest, over the size of the batch."""

    @pytest.mark.parametrize(("kind", "rule"), WAYS)
    def test_a_batch_takes_at_most_six_times_its_size(self, kind, rule):
        batch = pa.record_batch({"entity": pa.array(np.arange(ROWS)), "c0": column(kind)})
        rules = HEAD.replace("entity: {method: token, domain: cmac}", "entity: keep")
        plan = MaskingPlan.make(load_rules(f"{rules}      c0: {rule}\n"), "t", batch.schema, KEYS)
        plan.mask_batch(batch.slice(0, 10))  # what is made once, such as a pool of fakes, is no matter of the batch
        assert _peak(plan, batch) <= MOST * batch.nbytes


def _peak(plan: MaskingPlan, batch: pa.RecordBatch) -> int:
    usual = pa.default_memory_pool()
    watched = pa.proxy_memory_pool(usual)
    POOLS.append(watched)
    pa.set_memory_pool(watched)
    tracemalloc.start()
    try:
        masked = plan.mask_batch(batch)
        assert masked.num_rows == ROWS
        return int(tracemalloc.get_traced_memory()[1] + watched.max_memory())
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)
