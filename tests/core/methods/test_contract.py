"""Every method keeps every promise of the contract, on columns of every type it takes."""

from __future__ import annotations

import pytest

from maskgate.methods import METHODS, Domain
from maskgate.testing.haunted_columns import haunted_columns
from maskgate.testing.method_contract import PROMISES, takes

NOISE = {"scale": 500, "min": 0, "max": 250_000}
HMAC = Domain("customer", "hmac", "people", "cu_")
CMAC = Domain("customer", "cmac", "people", "", ("trim", "lower"))

# What the columns of text and of int64 hold, since some methods take nothing else.
HELD = {column.name: column.array for column in haunted_columns()}
TEXTS = HELD["string"].unique().to_pylist()
INTEGERS = [str(number) for number in HELD["int64"].unique().to_pylist() if number is not None]
HIERARCHY = "".join(f'"{value}";group {len(value or "") % 3};*\n' for value in [*TEXTS, *INTEGERS[:4]] if value != "42")

# A method is tried in each of these ways; one that is not named here is tried without options.
WAYS = {
    "bottom_code": [({"at": 10}, None), ({"at": 18, "replace_with": 17}, None), ({"not_before": "1936-01-01"}, None)],
    "round": [({"to": 100}, None), ({"to": 1}, None), ({"to": 0.25}, None)],
    "top_code": [({"at": 20}, None), ({"at": 20.5, "replace_with": 21}, None), ({"not_after": "2020-12-31"}, None)],
    "truncate": [({"length": 3}, None), *(({"to": period}, None) for period in ("minute", "day", "week", "month"))],
    "fake": [
        ({"kind": "name"}, None),
        ({"kind": "first_name", "locale": "de_DE"}, CMAC),
        ({"kind": "email"}, HMAC),
        ({"kind": "email", "unique": True}, None),
        ({"kind": "iban"}, None),
        ({"kind": "pattern", "pattern": "??-####"}, None),
        ({"kind": "pattern", "pattern": "#####################", "unique": True}, CMAC),
    ],
    "mask": [
        ({}, None),
        ({"keep_first": 2, "keep_last": 1, "char": "."}, None),
        ({"keep_last": 4}, None),
        ({"keep": " @"}, None),
        ({"keep_first": 1, "length": 5}, None),
    ],
    "redact": [({}, None), ({"with": ""}, None)],
    # Nothing but tokens can be carried over; its own tests make some.
    "retokenize": [],
    "token": [
        ({}, HMAC),
        ({}, CMAC),
        ({}, Domain("customer", "encrypt", "people", "cu{version}_")),
        ({}, Domain("customer", "encrypt", "people", format="base32", normalize=("nfc", "digits"))),
        ({}, Domain("customer", "cmac", "people", format="base32", scope="partner")),
        ({}, Domain("customer", "hmac", "people", format="base58", length=12)),
        ({}, Domain("customer", "cmac", "people", format="uuid")),
        ({}, Domain("customer", "cmac", "people", format="integer", length=9)),
        ({}, Domain("customer", "fpe", "people", "c{version}_", alphabet="alphanumeric")),
        ({}, Domain("customer", "fpe", "people", digits=9)),
    ],
    "generalize": [
        ({"to": "year", "not_before": 1936}, None),
        ({"to": "quarter"}, None),
        ({"to": "month"}, None),
        ({"to": "week", "not_before": 1936}, None),
        ({"band": 10}, None),
        ({"band": 0.1}, None),
        ({"band": [0, 18, 65.5]}, None),
        ({"keep_first": 3}, None),
        ({"hierarchy": {"file": "texts.csv", "content": HIERARCHY}, "level": 1}, None),
    ],
    "noise": [
        (NOISE, None),
        ({**NOISE, "round_to": 100}, None),
        ({"scale": 0.5, "min": -1, "max": 1}, None),
        ({"kind": "gaussian", "scale": 50}, None),
        ({"kind": "geometric", "scale": 5, "round_to": 1}, None),
        ({"kind": "geometric", "epsilon": 1, "min": 0, "max": 100, "round_to": 1}, None),
        ({"kind": "uniform", "scale": 10, "min": 0}, None),
        ({"kind": "multiplicative", "scale": 0.1}, None),
    ],
    "pram": [
        ({"retain": 0.5, "categories": [text for text in TEXTS if text is not None]}, None),
        ({"retain": 0.9, "categories": INTEGERS}, None),
        ({"matrix": {"true": {"true": 0.5, "false": 0.5}, "false": {"false": 1}}}, None),
    ],
    "swap": [({}, None), ({"within": ["region"]}, None), ({"rank_distance": 50}, None)],
    "scrub": [
        ({}, None),
        ({"also_remove": ["name", "city"]}, None),
        ({"find": ["email", "date"], "also_find": ["(?P<word>x+)"]}, None),
    ],
    "shift_date": [({"days": 1}, None), ({"days": 180}, None)],
}


def named(domain):
    """Name a domain for the name of a test."""
    return f"{domain.scheme} {domain.format}".strip() if domain else ""


METHODS_TRIED = [
    pytest.param(METHODS[name].configure(options, domain), id=f"{name} {options or named(domain)}")
    for name in METHODS
    if name != "drop"
    for options, domain in WAYS.get(name, [({}, None)])
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("method", METHODS_TRIED)
class TestContract:
    def test_every_method_keeps_it(self, method, promise):
        """Whatever the type of the column."""
        tried = [column for column in haunted_columns() if takes(method, column.array.type)]
        assert tried
        for column in tried:
            try:
                promise(method, column)
            except AssertionError as error:
                raise AssertionError(f"{column.name}: {error}") from error


class TestDrop:
    def test_a_dropped_column_has_no_output(self):
        """Its type is none, and its shape says that it is absent."""
        drop = METHODS["drop"].configure({}, None)
        assert all(drop.output_type(column.array.type) is None for column in haunted_columns())
        assert drop.shape().absent
