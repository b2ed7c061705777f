"""The block ``ApprovalGate``: where the gate is, and the pipeline token. It decides nothing."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SecretStr

from maskgate.errors import UsageError
from maskgate.gate.client import GateClient
from prefect_maskgate.host_version import Block, flow_run_id

DEFAULT_BLOCK = "maskgate"


class ApprovalGate(Block):
    """Reaches the gate that holds exports until somebody else has signed.

    The token is of role `pipeline`: it stages, asks and fetches receipts. It cannot sign.

    Args:
        url: The gate's address.
        token: The content of `pipeline.token` in the gate's home.
        instance: What the gate's configuration calls this Prefect server.
        timeout_seconds: How long to wait for each answer of the gate.

    Example:
        ```python
        from prefect_maskgate import ApprovalGate

        gate = ApprovalGate.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str] = "Maskgate Approval Gate"
    _block_type_slug: ClassVar[str] = "maskgate-approval-gate"
    # What a block is; what this one does, the description says.
    _documentation_url: ClassVar[str] = "https://docs.prefect.io/v3/concepts/blocks"  # type: ignore[assignment]

    url: str = Field(
        default=..., description="The gate's address, such as http://127.0.0.1:8470.", pattern=r"^https?://[^\s/]+"
    )
    token: SecretStr = Field(
        default=..., description="The gate's pipeline token, which is the content of pipeline.token in its home."
    )
    instance: str = Field(
        default="local",
        description="What the gate's configuration (gate.yaml, under prefect) calls this Prefect server.",
        min_length=1,
    )
    timeout_seconds: float = Field(
        default=30.0, description="How many seconds to wait for each answer of the gate.", gt=0, le=600
    )

    def client(self) -> GateClient:
        """Return a client of the gate's verbs; close it, or use it in a ``with`` block."""
        return GateClient(self.url, self.token.get_secret_value(), timeout=self.timeout_seconds)

    def run_identity(self) -> dict[str, Any]:
        """Say which flow run this is. The gate reads everything else about it from Prefect itself.

        Raises:
            UsageError: If this is no flow run.
        """
        run = flow_run_id()
        if run is None:
            raise UsageError("Maskgate asks and releases from within a flow run. Call this from the body of a @flow")
        return {"kind": "prefect", "instance": self.instance, "flow_run_id": run}


def open_gate(gate: ApprovalGate | str) -> ApprovalGate:
    """Return a gate, given itself or the name of its block.

    Raises:
        UsageError: If there is no such block.
    """
    if isinstance(gate, ApprovalGate):
        return gate
    try:
        return ApprovalGate.load(gate, _sync=True)  # type: ignore[no-any-return]
    except ValueError:
        raise UsageError(
            f"there is no block maskgate-approval-gate/{gate}. Make it under Blocks, or by ApprovalGate(url=…, "
            f"token=…).save({gate!r})"
        ) from None
