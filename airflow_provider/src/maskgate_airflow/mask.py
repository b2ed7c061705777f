"""Mask tables in the worker and stage them at the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.gate.masked_staging import stage_masked
from maskgate_airflow.hook import MaskgateHook
from maskgate_airflow.host_version import BaseOperator
from maskgate_airflow.lineage import masked_lineage, mirror_masking
from maskgate_airflow.outcomes import airflow_outcomes, with_patience

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maskgate.gate.masked_staging import Staged
    from maskgate_airflow.host_version import Context


class AnonymizeOperator(BaseOperator):
    """Mask tables by a rules file, and stage them for a request.

    Args:
        rules: The rules file; a relative path starts at the DAG file's folder.
        sources: For each table that is named in the rules, where its file or files are.
        maskgate_conn_id: A connection of type ``maskgate``.

    Returns:
        ``{"staging": id, "tables": {name: {"rows": n}}}``, for :class:`~maskgate_airflow.ApprovalSensor`. The assets
        in ``outlets`` get the lineage of each column in the ``extra`` of their event.
    """

    template_fields: Collection[str] = ("rules", "sources", "maskgate_conn_id")
    ui_color: ClassVar[str] = "#d9d3ee"

    def __init__(
        self,
        *,
        rules: str,
        sources: Mapping[str, str],
        maskgate_conn_id: str = MaskgateHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        # Each part of the reference is an XCom of its own too, so that `mask.output["staging"]` works.
        super().__init__(**with_patience({"multiple_outputs": True, **kwargs}))
        self.rules = rules
        self.sources = sources
        self.maskgate_conn_id = maskgate_conn_id
        self.staged: Staged | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Mask, stage, and return the reference."""
        with airflow_outcomes(context), MaskgateHook(self.maskgate_conn_id).get_conn() as gate:
            staged = stage_masked(gate, self.sources, beside_the_dag(self.rules, context), self.log)
        self.staged = staged
        mirror_masking(context, self.outlets, staged)
        return staged.as_reference()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  OpenLineage's signature
        """Describe the masked dataset, its columns and that they are masked."""
        return masked_lineage(self.staged)


def beside_the_dag(rules: str, context: Context) -> Path:
    """Find a rules file: a relative path starts at the folder of the DAG file."""
    return Path(context["dag"].fileloc).parent / rules
