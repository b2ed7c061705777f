"""Every method that has no peer to race: beside one pass of an Arrow kernel over the same column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from columns import ROWS, column, repeating
from masked import masker
from race import Result, Way, race

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_OF_UPPER = 10
MOST_OF_ADD = 20
LEAST_OF_PLAIN = 10

# What is measured: the column, and its rule.
TEXTS = {
    "keep": ("email", "keep"),
    "redact": ("email", "redact"),
    "nullify": ("email", "nullify"),
    "mask, four stay": ("card", "{method: mask, keep_last: 4}"),
    "truncate to 5": ("email", "{method: truncate, length: 5}"),
    "generalize, first 3": ("card", "{method: generalize, keep_first: 3}"),
    "shuffle": ("email", "shuffle"),
    "swap within a city": ("email", "{method: swap, within: [city]}"),
    "pram": (
        "city",
        "{method: pram, retain: 0.9, categories: [Berlin, Graz, Basel, Köln, Wien, Bern, Leipzig, Lausanne]}",
    ),
}
NUMBERS = {
    "keep, integers": ("income", "keep"),
    "round": ("income", "{method: round, to: 100}"),
    "round, doubles": ("height", "{method: round, to: 0.5}"),
    "top_code": ("income", "{method: top_code, at: 200000}"),
    "bottom_code": ("income", "{method: bottom_code, at: 1000}"),
    "generalize, bands": ("income", "{method: generalize, band: 1000}"),
    "generalize, year": ("birth_date", "{method: generalize, to: year}"),
    "generalize, month": ("birth_date", "{method: generalize, to: month}"),
    "noise, laplace": ("income", "{method: noise, kind: laplace, scale: 500, min: 0, max: 250000}"),
    "noise, laplace, doubles": ("height", "{method: noise, kind: laplace, scale: 2, min: 100, max: 250}"),
    "noise, gaussian": ("income", "{method: noise, kind: gaussian, scale: 500, min: 0, max: 250000}"),
    "noise, uniform": ("income", "{method: noise, kind: uniform, scale: 500, min: 0, max: 250000}"),
    "noise, geometric": ("income", "{method: noise, kind: geometric, scale: 500, min: 0, max: 250000}"),
    "shift_date": ("birth_date", "{method: shift_date, days: 180}"),
    "shift_date, timestamps": ("seen_at", "{method: shift_date, days: 180}"),
    "truncate to a day": ("seen_at", "{method: truncate, to: day}"),
    "shuffle, integers": ("income", "shuffle"),
    "swap, integers within a city": ("income", "{method: swap, within: [city]}"),
}
REPEATING = {
    "token, cmac": "{method: token, domain: cmac}",
    "token, hmac": "{method: token, domain: hmac}",
    "token, encrypt": "{method: token, domain: encrypt}",
    "fake name": "{method: fake, kind: name}",
    "mask": "{method: mask, keep_last: 4}",
}


def beside_kernels() -> list[Result]:
    """Measure each method beside one pass of `utf8_upper` or `add`."""
    texts = [_beside(name, *each, most=MOST_OF_UPPER) for name, each in TEXTS.items()]
    return texts + [_beside(name, *each, most=MOST_OF_ADD) for name, each in NUMBERS.items()]


def dictionaries() -> list[Result]:
    """Measure each method on a repeating column, dictionary-encoded and plain."""
    encoded = repeating("email")
    plain = encoded.dictionary_decode()
    results = []
    for name, rule in REPEATING.items():
        ours, other = (Way(str(each.type), ROWS, masker("email", rule, each)) for each in (encoded, plain))
        rates = race((ours, other))
        results.append(Result(name, rates[ours.name], "the same plain", rates[other.name], least=LEAST_OF_PLAIN))
    return results


def _beside(name: str, of: str, rule: str, *, most: float) -> Result:
    values = column(of)
    kernel, called = (_upper, "utf8_upper") if pa.types.is_string(values.type) else (_add, "add")
    rates = race((Way("maskgate", ROWS, masker(of, rule)), Way("kernel", ROWS, kernel(values))))
    return Result(name, rates["maskgate"], f"`{called}`", rates["kernel"], most=most)


def _upper(values: pa.Array) -> Callable[[], object]:
    return lambda: pc.utf8_upper(values)


def _add(values: pa.Array) -> Callable[[], object]:
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_temporal(values.type):
        values = values.cast(pa.int64())
    one = pa.scalar(1, values.type)
    return lambda: pc.add(values, one)
