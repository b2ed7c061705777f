from __future__ import annotations

import pytest

from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.methods import registry
from maskgate.rules import read_rules

HEAD = """\
version: 1
keys: {people: env:A}
domains: {customer: {scheme: cmac}}
"""


@pytest.fixture
def make_rules():
    """Rules for the columns of one table ``t``, written as a YAML mapping."""

    def make(columns, *, unlisted="fail", entity="", check=""):
        table = [f"entity: {entity}"] * bool(entity) + [f"check: {check}"] * bool(check) + [f"columns: {columns}"]
        lines = "\n".join(f"    {line}" for line in table)
        return read_rules(f"{HEAD}unlisted: {unlisted}\ntables:\n  t:\n{lines}\n", "rules.yaml")

    return make


@pytest.fixture
def mask(make_rules):
    """Mask a table by rules for its columns; returns the masked table and the report."""

    def run(table, columns, **more):
        keys = KeyRing({"people": Key("people", bytes(range(32)))})
        masked, report = mask_table(table, make_rules(columns, **more), table_name="t", keys=keys)
        masked.validate(full=True)
        return masked, report

    return run


@pytest.fixture
def add_method(monkeypatch):
    """Let rules name a method of the test's own."""

    def add(method):
        monkeypatch.setattr(registry, "METHODS", {**registry.METHODS, method.declaration.name: method})

    return add
