"""Has the gate's releaser mask a registered source, holds the export until somebody else has signed, and releases it.

No row passes the worker, and no worker has a key: `gate.yaml` names the source `crm` (docs/destinations.md, level
mask), and the releaser masks it. In Airflow it needs the connection `maskgate_default`.
"""

from __future__ import annotations

from airflow.sdk import DAG

from maskgate_airflow import ApprovalSensor, ReleaseOperator

with DAG("masked_source", schedule=None, tags=["maskgate"], doc_md=__doc__):
    approve = ApprovalSensor(
        task_id="approve",
        source="crm",
        tables=["customers", "orders"],
        destination="partner",
        why="Weekly extract for the analytics partner",
    )
    release = ReleaseOperator(task_id="release", request=approve.output)

    approve >> release
