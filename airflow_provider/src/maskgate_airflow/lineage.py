"""What was masked and released, mirrored to Airflow: asset events and OpenLineage. Names and counts, never values.

The mirror is display, for people and catalogs that look there. The gate's ledger is the evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate_airflow.host_version import Asset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maskgate.gate.masked_staging import Staged
    from maskgate_airflow.host_version import Context

_KEY = "maskgate"


def mirror_masking(context: Context, outlets: Iterable[Any], staged: Staged) -> None:
    """Put the lineage of what was masked into the events of the task's assets."""
    _extend(context, outlets, {**staged.as_reference(), "lineage": staged.lineage})


def mirror_release(context: Context, outlets: Iterable[Any], document: Mapping[str, Any]) -> None:
    """Put who signed, the receipt and the lineage into the events of the task's assets."""
    decisions = [
        {name: decision.get(name) for name in ("person", "verdict", "channel", "decided_at")}
        for decision in document.get("decisions") or ()
    ]
    details = {name: document.get(name) for name in ("receipt", "lineage", "policy", "intent_digest")}
    _extend(context, outlets, {"request": document["id"], "decisions": decisions, **details})


def masked_lineage(staged: Staged | None) -> Any:
    """Describe the staged tables to OpenLineage; none if nothing was staged, None if OpenLineage is not installed."""
    if staged is None:
        return _operator_lineage({}, "")
    return _operator_lineage(staged.lineage, staged.uri or f"maskgate://staging/{staged.staging}")


def released_lineage(document: Mapping[str, Any] | None) -> Any:
    """Describe the released tables to OpenLineage, as above."""
    if document is None or "location" not in (document.get("receipt") or {}):
        return _operator_lineage({}, "")
    return _operator_lineage(document.get("lineage") or {}, document["receipt"]["location"])


def _extend(context: Context, outlets: Iterable[Any], details: Mapping[str, Any]) -> None:
    for outlet in outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra[_KEY] = dict(details)


def _operator_lineage(lineage: Mapping[str, Any], target: str) -> Any:
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage  # noqa: PLC0415  an optional provider
        from openlineage.client.event_v2 import Dataset  # noqa: PLC0415
    except ImportError:
        return None
    inputs, outputs = [], []
    for table in lineage.get("tables") or ():
        source = dataset_name(table.get("source") or table["table"])
        namespace, name = dataset_name(f"{target.rstrip('/')}/{table['table']}")
        inputs.append(Dataset(namespace=source[0], name=source[1]))
        outputs.append(Dataset(namespace=namespace, name=name, facets={"columnLineage": _columns(table, source)}))
    return OperatorLineage(inputs=inputs, outputs=outputs)


def _columns(table: Mapping[str, Any], source: tuple[str, str]) -> Any:
    """Say from which original column each column comes, and that it is masked."""
    from openlineage.client.facet_v2 import column_lineage_dataset as facets  # noqa: PLC0415

    from maskgate.lineage.openlineage import column_lineage  # noqa: PLC0415

    plain = column_lineage(table, *source)
    fields = {}
    for output, field in plain["fields"].items():
        inputs = []
        for given in field["inputFields"]:
            steps = [facets.Transformation(**step) for step in given["transformations"]]
            inputs.append(facets.InputField(given["namespace"], given["name"], given["field"], steps))
        fields[output] = facets.Fields(inputs)
    return facets.ColumnLineageDatasetFacet(fields)


def dataset_name(uri: str) -> tuple[str, str]:
    """Name a dataset as OpenLineage does: namespace and name.

    Example:
        >>> dataset_name("s3://bucket/raw/customers.parquet")
        ('s3://bucket', 'raw/customers.parquet')
        >>> dataset_name("/data/customers.parquet")
        ('file', '/data/customers.parquet')
    """
    parts = urlsplit(uri)
    if parts.scheme in {"", "file"}:
        return "file", parts.path
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"
