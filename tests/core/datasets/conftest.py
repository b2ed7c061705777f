from __future__ import annotations

import pyarrow.parquet as pq
import pytest


@pytest.fixture
def raw(tmp_path, customers, orders):
    """A folder with the two tables as Parquet files."""
    folder = tmp_path / "raw"
    folder.mkdir()
    pq.write_table(customers.replace_schema_metadata({"pandas": "Planted Person"}), folder / "customers.parquet")
    pq.write_table(orders, folder / "orders.parquet")
    return folder


@pytest.fixture
def everything(tmp_path):
    """All files and folders in the test's folder, to show that nothing was added."""
    return lambda: sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
