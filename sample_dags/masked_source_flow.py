"""Has the gate's releaser mask a registered source, holds the export until somebody else has signed, and releases it.

No row passes the flow, and the flow has no key: `gate.yaml` names the source `crm` (docs/destinations.md, level mask),
and the releaser masks it. It needs the block `maskgate-approval-gate/maskgate`.

    python masked_source_flow.py
"""

from __future__ import annotations

from prefect import flow

from prefect_maskgate import await_approval, release


@flow(name="masked_source")
def masked_source(destination: str = "partner", why: str = "Weekly extract for the analytics partner") -> dict:
    """Ask for the source by name, wait for a signature, release; return the receipt."""
    approved = await_approval(source="crm", tables=["customers", "orders"], destination=destination, why=why)
    return release(approved)


if __name__ == "__main__":
    masked_source()
