"""What the tests of noise share: a column of incomes, and whose they are."""

from __future__ import annotations

import pyarrow as pa

from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

KEY = Key("people", bytes(range(32)))
INCOME = {"scale": 500, "min": 0, "max": 250_000}
HERE = Surroundings("customers", "income", KEY)
EPSILON = {"kind": "geometric", "scale": None, "epsilon": 1, "min": 0, "max": 250_000, "round_to": 1000}


def noise(**options):
    return METHODS["noise"].configure({**INCOME, **options}, None)


def noisy(values, entity=None, *, type_=None, key=KEY, table="customers", column="income", **options):
    entity = pa.array(range(len(values)) if entity is None else entity)
    return noise(**options).apply(pa.array(values, type_), Surroundings(table, column, key, entity)).to_pylist()


def entities(values):
    return Surroundings("t", "c", KEY, pa.array(values))
