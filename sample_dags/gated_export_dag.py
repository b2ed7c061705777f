"""Masks two tables, holds the export until somebody else has signed, and lets the gate release it.

`make demo` runs this DAG. In Airflow it needs the connection `maskgate_default` and the variable `customer_data`.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from maskgate_airflow import AnonymizeOperator, ApprovalSensor, ReleaseOperator

RULES = Path(__file__).parent / "rules" / "customers.yaml"

with DAG("gated_export", schedule=None, tags=["maskgate"], doc_md=__doc__):
    mask = AnonymizeOperator(
        task_id="mask",
        rules=RULES,
        sources={
            "customers": "{{ var.value.customer_data }}/customers.parquet",
            "orders": "{{ var.value.customer_data }}/orders.parquet",
        },
    )
    approve = ApprovalSensor(
        task_id="approve",
        staging=mask.output,
        destination="partner",
        why="Weekly extract for the analytics partner",
    )
    release = ReleaseOperator(task_id="release", request=approve.output)

    mask >> approve >> release
