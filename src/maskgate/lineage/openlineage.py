"""Lineage in the words of OpenLineage, for catalogs; plain JSON values, no client needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names the code that speaks, as OpenLineage wants it; nothing is fetched from there.
PRODUCER = "urn:maskgate"
SCHEMA = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"


def column_lineage(table: Mapping[str, Any], namespace: str, name: str) -> dict[str, Any]:
    """Return the ``columnLineage`` facet of a masked table.

    Args:
        table: The table's lineage as JSON values.
        namespace: Namespace of the original dataset.
        name: Name of the original dataset.

    Returns:
        Facet 1-2-0: for every output column the column it was made from, and whether it is masked.
    """
    fields = {
        column["output"]: {
            "inputFields": [
                {
                    "namespace": namespace,
                    "name": name,
                    "field": column["input"],
                    "transformations": [_transformation(column)],
                }
            ]
        }
        for column in table["columns"]
        if column["output"] is not None
    }
    return {"_producer": PRODUCER, "_schemaURL": SCHEMA, "fields": fields}


def _transformation(column: Mapping[str, Any]) -> dict[str, Any]:
    is_masked = column["method"] != "keep"
    return {
        "type": "DIRECT",
        "subtype": "TRANSFORMATION" if is_masked else "IDENTITY",
        "description": column.get("description") or column["method"],
        "masking": is_masked,
    }
