"""Mask tables in the worker and stage them at the gate."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from maskgate.errors import GateUnreachable, MaskgateError
from maskgate.gate.masked_staging import stage_masked
from prefect_maskgate.gate import DEFAULT_BLOCK, ApprovalGate, open_gate
from prefect_maskgate.host_version import flow_run_id, get_run_logger, task
from prefect_maskgate.keys import MaskingKeys, ring_of
from prefect_maskgate.lineage import mirror_masking
from prefect_maskgate.outcomes import PATIENCE, closed
from prefect_maskgate.rules import MaskingRules, read

if TYPE_CHECKING:
    from collections.abc import Mapping


def same_masking_in_this_run(context: Any, parameters: Mapping[str, Any]) -> str | None:  # noqa: ARG001  Prefect's
    """Name what is masked, so that a flow run that is retried stages nothing anew.

    A retry then asks for the signature that it has asked for already. Tables and readers have no name; they are
    masked anew. Nothing of their content is hashed, logged or stored by Prefect.
    """
    sources, keys, run = parameters["sources"], parameters.get("keys"), flow_run_id()
    are_named = all(isinstance(source, (str, os.PathLike)) for source in sources.values())
    if run is None or not are_named or isinstance(keys, MaskingKeys):
        return None
    try:
        rules = read(parameters["rules"]).digest
    except MaskgateError:
        return None  # the task itself says what is wrong with them
    named = {name: os.fspath(source) for name, source in sources.items()}
    return hashlib.sha256(json.dumps(["maskgate", run, named, rules, keys], sort_keys=True).encode()).hexdigest()


@task(
    name="anonymize",
    persist_result=True,
    result_serializer="json",
    cache_key_fn=same_masking_in_this_run,
    **PATIENCE,
)
def anonymize(
    sources: dict[str, Any],
    rules: str | os.PathLike[str] | MaskingRules,
    gate: ApprovalGate | str = DEFAULT_BLOCK,
    *,
    keys: MaskingKeys | str | None = None,
) -> dict[str, Any]:
    """Mask tables by a rules file, and stage them for a request.

    Args:
        sources: For each table that is named in the rules, where its file or files are; or a pyarrow table,
            a data frame or a reader.
        rules: The rules file, or a block of rules.
        gate: The gate, or the name of its block.
        keys: The name of a block of masking keys, or the block; by default what the rules refer to.

    Returns:
        ``{"staging": id, "tables": {name: {"rows": n}}}``, for :func:`~prefect_maskgate.await_approval`.

    Raises:
        MaskgateError: If the rules do not fit, or the data cannot be read; then nothing was staged.
    """
    with open_gate(gate).client() as client:
        try:
            staged = stage_masked(client, sources, read(rules), get_run_logger(), ring_of(keys))
        except GateUnreachable as error:
            raise closed(error) from None
    mirror_masking(staged)
    return staged.as_reference()
