"""Mask tables in the worker and stage them at the gate."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.errors import GateUnreachable
from maskgate.gate.masked_staging import stage_masked
from prefect_maskgate.gate import DEFAULT_BLOCK, ApprovalGate, open_gate
from prefect_maskgate.host_version import flow_run_id, get_run_logger, task
from prefect_maskgate.lineage import mirror_masking
from prefect_maskgate.outcomes import PATIENCE, closed

if TYPE_CHECKING:
    from collections.abc import Mapping


def same_masking_in_this_run(context: Any, parameters: Mapping[str, Any]) -> str | None:  # noqa: ARG001  Prefect's
    """Name what is masked, so that a flow run that is retried stages nothing anew.

    A retry then asks for the signature that it has asked for already. Tables and readers have no name; they are
    masked anew. Nothing of their content is hashed, logged or stored by Prefect.
    """
    sources, rules, run = parameters["sources"], parameters["rules"], flow_run_id()
    are_named = all(isinstance(source, (str, os.PathLike)) for source in sources.values())
    if run is None or not are_named or not Path(rules).is_file():
        return None
    named = {name: os.fspath(source) for name, source in sources.items()}
    content = hashlib.sha256(Path(rules).read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(["maskgate", run, named, content], sort_keys=True).encode()).hexdigest()


@task(
    name="anonymize",
    persist_result=True,
    result_serializer="json",
    cache_key_fn=same_masking_in_this_run,
    **PATIENCE,
)
def anonymize(
    sources: dict[str, Any], rules: str | os.PathLike[str], gate: ApprovalGate | str = DEFAULT_BLOCK
) -> dict[str, Any]:
    """Mask tables by a rules file, and stage them for a request.

    Args:
        sources: For each table that is named in the rules, where its Parquet file or files are; or a pyarrow table, a
            data frame or a reader.
        rules: The rules file.
        gate: The gate, or the name of its block.

    Returns:
        ``{"staging": id, "tables": {name: {"rows": n}}}``, for :func:`~prefect_maskgate.await_approval`.

    Raises:
        MaskgateError: If the rules do not fit, or the data cannot be read; then nothing was staged.
    """
    with open_gate(gate).client() as client:
        try:
            staged = stage_masked(client, sources, rules, get_run_logger())
        except GateUnreachable as error:
            raise closed(error) from None
    mirror_masking(staged)
    return staged.as_reference()
