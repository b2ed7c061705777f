from __future__ import annotations

import pytest

from maskgate.datasets import mask_bundle
from maskgate.lineage import ColumnLineage, RunLineage
from maskgate.lineage.openlineage import column_lineage


@pytest.fixture
def lineage(customers, orders, rules, keys, tmp_path):
    return RunLineage.of(mask_bundle({"customers": customers, "orders": orders}, tmp_path, rules, keys=keys))


class TestRunLineage:
    """Which column became which by which method and key version; no values."""

    def test_each_column_is_followed(self, lineage, rules):
        customers, orders = lineage.tables
        assert lineage.rules_digest == rules.digest
        assert (customers.table, customers.rows, orders.rows) == ("customers", 3, 4)
        by_name = {column.input: column for column in customers.columns}
        assert by_name["email"] == ColumnLineage(
            "email", "token", "email", "email", "contact", 1, "token (domain=email, hmac)"
        )
        assert by_name["full_name"].output is None

    def test_it_goes_through_json_unchanged(self, lineage):
        assert RunLineage.from_json(lineage.as_json()) == lineage

    def test_no_value_is_in_it(self, lineage):
        assert "lanted" not in str(lineage.as_json())


class TestColumnLineage:
    """A catalog sees for each column where it is from, and whether it is masked."""

    @pytest.fixture
    def facet(self, lineage):
        return column_lineage(lineage.as_json()["tables"][0], "s3://raw", "customers.parquet")

    def test_a_masked_column_says_so(self, facet):
        (field,) = facet["fields"]["email"]["inputFields"]
        assert (field["namespace"], field["name"], field["field"]) == ("s3://raw", "customers.parquet", "email")
        assert field["transformations"] == [
            {
                "type": "DIRECT",
                "subtype": "TRANSFORMATION",
                "description": "token (domain=email, hmac)",
                "masking": True,
            }
        ]

    def test_a_kept_column_is_not_masked(self, facet):
        (field,) = facet["fields"]["country"]["inputFields"]
        assert field["transformations"][0]["subtype"] == "IDENTITY"
        assert field["transformations"][0]["masking"] is False

    def test_a_dropped_column_is_not_there(self, facet):
        assert "full_name" not in facet["fields"]

    def test_it_names_its_schema(self, facet):
        assert "/1-2-0/ColumnLineageDatasetFacet.json" in facet["_schemaURL"]
