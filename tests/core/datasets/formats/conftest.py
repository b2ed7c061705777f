from __future__ import annotations

import json

import pyarrow as pa
import pytest

from maskgate.datasets.sources import open_source
from maskgate.rules import read_rules


@pytest.fixture
def keep():
    """Rules that keep every column, but for those that have a rule of their own."""

    def rules(names, **more):
        # A column without a name has no rule but that of a pattern.
        columns = ", ".join(f"{json.dumps(name or '*')}: {more.get(name, 'keep')}" for name in names)
        return read_rules(f"version: 1\ntables: {{t: {{columns: {{{columns}}}}}}}\n", "rules.yaml")

    return rules


@pytest.fixture
def written(tmp_path):
    """Write a file, and return its path."""

    def write(data, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write


@pytest.fixture
def read():
    """Read a file whole, as Maskgate reads it."""

    def table(path, **options):
        source = open_source("t", path, options=options)
        return pa.Table.from_batches(source.batches(), pa.schema([(item.name, item.type) for item in source.schema]))

    return table
