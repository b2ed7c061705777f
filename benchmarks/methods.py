"""Every method that has no peer to race: beside one pass of an Arrow kernel over the same column."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
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

# What is measured: the column, its rule, and other columns that the rule reads.
TEXTS = {
    "keep": ("email", "keep"),
    "redact": ("email", "redact"),
    "nullify": ("email", "nullify"),
    "mask, four stay": ("card", "{method: mask, keep_last: 4}"),
    "mask, separators stay": ("email", "{method: mask, keep_last: 4, keep: '@.'}"),
    "mask, any length": ("email", "{method: mask, keep_last: 4, length: 5}"),
    "mask, no ASCII": ("name", "{method: mask, keep_first: 1}"),
    "mask, by a bullet": ("email", "{method: mask, keep_last: 4, char: '•'}"),
    "mask, by a bullet, separators stay": ("email", "{method: mask, keep_last: 4, keep: '@.', char: '•'}"),
    "mask, nulls": ("email_or_null", "{method: mask, keep_last: 4}"),
    "token, base32": ("email", "{method: token, domain: base32}"),
    "token, base58": ("email", "{method: token, domain: base58}"),
    "token, integer": ("email", "{method: token, domain: integer}"),
    "token, UUID": ("email", "{method: token, domain: uuid}"),
    "fake e-mail": ("email", "{method: fake, kind: email}"),
    "fake e-mail, unique": ("email", "{method: fake, kind: email, unique: true}"),
    "fake phone": ("email", "{method: fake, kind: phone}"),
    "fake IBAN": ("email", "{method: fake, kind: iban}"),
    "fake pattern": ("email", "{method: fake, kind: pattern, pattern: '??-####'}"),
    "token, normalized": ("email", "{method: token, domain: normalized}"),
    "token, normalized, no ASCII": ("name", "{method: token, domain: normalized}"),
    "token, AES-SIV in base32": ("email", "{method: token, domain: encrypt32}"),
    "fake user name, unique": ("email", "{method: fake, kind: user_name, unique: true}"),
    "fake address": ("email", "{method: fake, kind: address}"),
    "fake name, German": ("email", "{method: fake, kind: name, locale: de_DE}"),
    "fake pattern, 40 places": (
        "email",
        f"{{method: fake, kind: pattern, pattern: '{'*' * 40}', unique: true}}",
    ),
    "truncate to 5": ("email", "{method: truncate, length: 5}"),
    "generalize, first 3": ("card", "{method: generalize, keep_first: 3}"),
    "shuffle": ("email", "shuffle"),
    "swap": ("email", "swap"),
    "swap within a city": ("email", "{method: swap, within: [city]}", "city"),
    "pram": (
        "city",
        "{method: pram, retain: 0.9, categories: [Berlin, Graz, Basel, Köln, Wien, Bern, Leipzig, Lausanne]}",
    ),
}
NUMBERS = {
    "keep, integers": ("income", "keep"),
    "round": ("income", "{method: round, to: 100}"),
    "round, doubles": ("height", "{method: round, to: 0.5}"),
    "round, decimals": ("height_exact", "{method: round, to: 0.5}"),
    "round, int32": ("age", "{method: round, to: 5}"),
    "round, nulls": ("income_or_null", "{method: round, to: 100}"),
    "top_code": ("income", "{method: top_code, at: 200000}"),
    "bottom_code": ("income", "{method: bottom_code, at: 1000}"),
    "generalize, bands": ("income", "{method: generalize, band: 1000}"),
    "generalize, bands of doubles": ("height", "{method: generalize, band: 10}"),
    "generalize, bands by edges": ("income", "{method: generalize, band: [20000, 50000, 100000, 150000]}"),
    "generalize, bands of ten": ("income", "{method: generalize, band: 10}"),
    "generalize, bands of int32": ("age", "{method: generalize, band: 5}"),
    "generalize, bands, nulls": ("income_or_null", "{method: generalize, band: 1000}"),
    "generalize, year": ("birth_date", "{method: generalize, to: year}"),
    "generalize, month": ("birth_date", "{method: generalize, to: month}"),
    "generalize, week": ("birth_date", "{method: generalize, to: week}"),
    "generalize, month, nulls": ("birth_date_or_null", "{method: generalize, to: month}"),
    "noise, laplace": ("income", "{method: noise, kind: laplace, scale: 500, min: 0, max: 250000}"),
    "noise, laplace, doubles": ("height", "{method: noise, kind: laplace, scale: 2, min: 100, max: 250}"),
    "noise, gaussian": ("income", "{method: noise, kind: gaussian, scale: 500, min: 0, max: 250000}"),
    "noise, uniform": ("income", "{method: noise, kind: uniform, scale: 500, min: 0, max: 250000}"),
    "noise, geometric": ("income", "{method: noise, kind: geometric, scale: 500, min: 0, max: 250000}"),
    "noise, multiplicative": ("income", "{method: noise, kind: multiplicative, scale: 0.1}"),
    "noise, laplace, rounded": (
        "income",
        "{method: noise, kind: laplace, scale: 500, min: 0, max: 250000, round_to: 100}",
    ),
    "noise, laplace, nulls": ("income_or_null", "{method: noise, kind: laplace, scale: 500, min: 0, max: 250000}"),
    "noise, laplace, int32": ("age", "{method: noise, kind: laplace, scale: 5, min: 0, max: 120}"),
    "noise, laplace, decimals": (
        "height_exact",
        "{method: noise, kind: laplace, scale: 2, min: 100, max: 250}",
    ),
    "noise, laplace, beyond 2^53": ("large", "{method: noise, kind: laplace, scale: 1000}"),
    "noise, geometric, epsilon": (
        "grade",
        "{method: noise, kind: geometric, epsilon: 1, min: 0, max: 100, round_to: 1}",
    ),
    "shift_date": ("birth_date", "{method: shift_date, days: 180}"),
    "shift_date, timestamps": ("seen_at", "{method: shift_date, days: 180}"),
    "truncate to a day": ("seen_at", "{method: truncate, to: day}"),
    "truncate to a month": ("birth_date", "{method: truncate, to: month}"),
    "pram, integers": (
        "grade",
        f"{{method: pram, retain: 0.9, categories: [{', '.join(map(repr, map(str, range(100))))}]}}",
    ),
    "shuffle, integers": ("income", "shuffle"),
    "shuffle, int32": ("age", "shuffle"),
    "shuffle, nulls": ("income_or_null", "shuffle"),
    "shuffle, doubles": ("height", "shuffle"),
    "shuffle, dates": ("birth_date", "shuffle"),
    "shuffle, timestamps": ("seen_at", "shuffle"),
    "swap, integers": ("income", "swap"),
    "swap, nulls": ("income_or_null", "swap"),
    "swap, decimals": ("height_exact", "swap"),
    "swap, integers within a grade": ("income", "{method: swap, within: [grade]}", "grade"),
    "swap, integers of near rank": ("income", "{method: swap, rank_distance: 5}"),
    "swap, integers within a city": ("income", "{method: swap, within: [city]}", "city"),
}
REPEATING = {
    "token, cmac": "{method: token, domain: cmac}",
    "token, hmac": "{method: token, domain: hmac}",
    "token, encrypt": "{method: token, domain: encrypt}",
    "fake name": "{method: fake, kind: name}",
    "fake e-mail, unique": "{method: fake, kind: email, unique: true}",
    "mask": "{method: mask, keep_last: 4}",
    "mask, separators stay": "{method: mask, keep_last: 4, keep: '@.'}",
    "generalize, first 3": "{method: generalize, keep_first: 3}",
    "truncate to 5": "{method: truncate, length: 5}",
    "redact": "redact",
    "keep": "keep",
    "shuffle": "shuffle",
    "swap": "swap",
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


def _beside(name: str, of: str, rule: str, *also: str, most: float) -> Result:
    """Measure a method beside a pass over each column that it reads: its own, and those that make its groups."""
    kernels = [_kernel(column(each)) for each in (of, *also)]
    called = " and ".join(dict.fromkeys(each for each, _ in kernels)) + (" over both" if also else "")
    if any(each == "`utf8_upper`" for each, _ in kernels):
        most = MOST_OF_UPPER

    def passes() -> None:
        for _, work in kernels:
            work()

    rates = race((Way("maskgate", ROWS, masker(of, rule)), Way("kernel", ROWS, passes)))
    return Result(name, rates["maskgate"], called, rates["kernel"], most=most)


def _kernel(values: pa.Array) -> tuple[str, Callable[[], object]]:
    if pa.types.is_string(values.type):
        return "`utf8_upper`", _upper(values)
    return "`add` of a day" if pa.types.is_date32(values.type) else "`add`", _add(values)


def _upper(values: pa.Array) -> Callable[[], object]:
    return lambda: pc.utf8_upper(values)


def _add(values: pa.Array) -> Callable[[], object]:
    """Add one to each value; a day to each date, which is the addition that Arrow has for dates."""
    if pa.types.is_date32(values.type):
        one = pa.scalar(timedelta(days=1), pa.duration("s"))
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
        one = pa.scalar(1, values.type)
    else:
        one = pa.scalar(Decimal(1), values.type) if pa.types.is_decimal(values.type) else pa.scalar(1, values.type)
    return lambda: pc.add(values, one)
