"""Masks two tables, holds the export until somebody else has signed, and lets the gate release it.

`make demo-prefect` runs this flow. It needs the block `maskgate-approval-gate/maskgate`, and the masking keys in the
environment.

    python gated_export_flow.py data
"""

from __future__ import annotations

import sys
from pathlib import Path

from prefect import flow

from prefect_maskgate import anonymize, await_approval, release

RULES = Path(__file__).parent / "rules" / "customers.yaml"


@flow(name="gated_export")
def gated_export(data: str, destination: str = "partner") -> dict:
    """Mask, wait for a signature, release; return the receipt."""
    sources = {"customers": f"{data}/customers.parquet", "orders": f"{data}/orders.parquet"}
    staged = anonymize(sources, RULES)
    approved = await_approval(staged, destination, why="Weekly extract for the analytics partner")
    return release(approved)


if __name__ == "__main__":
    gated_export(sys.argv[1])
