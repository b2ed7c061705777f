"""``@task.anonymize``: what the function returns is masked and staged before anything leaves the worker."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.errors import UsageError
from maskgate.gate.masked_staging import stage_masked
from maskgate_airflow.hook import MaskgateHook
from maskgate_airflow.host_version import DecoratedOperator, determine_kwargs, task_decorator_factory
from maskgate_airflow.lineage import masked_lineage, mirror_masking
from maskgate_airflow.mask import beside_the_dag
from maskgate_airflow.outcomes import airflow_outcomes, with_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from maskgate.gate.masked_staging import Staged
    from maskgate_airflow.host_version import Context, TaskDecorator


class AnonymizeDecoratedOperator(DecoratedOperator):
    """Runs a function that returns a Table, a DataFrame or a reader, and stages it masked.

    Args:
        rules: The rules file; a relative path starts at the DAG file's folder.
        table: The table's name in the rules; None if the function returns a dictionary of several tables.
        maskgate_conn_id: A connection of type ``maskgate``.
    """

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, "rules", "maskgate_conn_id")
    custom_operator_name = "@task.anonymize"
    ui_color: ClassVar[str] = "#d9d3ee"

    def __init__(
        self,
        *,
        rules: str,
        table: str | None = None,
        maskgate_conn_id: str = MaskgateHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        # Each part of the reference is an XCom of its own too, so that `staged["staging"]` works.
        super().__init__(**with_patience({**kwargs, "multiple_outputs": True}))
        self.rules = rules
        self.table = table
        self.maskgate_conn_id = maskgate_conn_id
        self.staged: Staged | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the function, mask what it returns, and return the reference."""
        arguments = determine_kwargs(self.python_callable, self.op_args, {**context, **self.op_kwargs})
        returned = self.python_callable(*self.op_args, **arguments)
        if inspect.iscoroutine(returned):
            returned = asyncio.run(returned)
        with airflow_outcomes(context):
            sources = self._sources(returned)
            with MaskgateHook(self.maskgate_conn_id).get_conn() as gate:
                staged = stage_masked(gate, sources, beside_the_dag(self.rules, context), self.log)
        self.staged = staged
        mirror_masking(context, self.outlets, staged)
        return staged.as_reference()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  OpenLineage's signature
        """Describe the masked dataset, its columns and that they are masked."""
        return masked_lineage(self.staged)

    def _sources(self, returned: Any) -> dict[str, Any]:
        if self.table is not None:
            sources = {self.table: returned}
        elif isinstance(returned, dict):
            sources = returned
        else:
            raise UsageError(
                f"@task.anonymize of task {self.task_id} does not say which table this is. Write "
                '@task.anonymize(rules=…, table="customers"), or return a dictionary of tables'
            )
        for name, source in sources.items():
            if source is None:
                raise UsageError(f"the function of task {self.task_id} returned nothing for table {name!r}")
        return sources


def anonymize_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a task whose function returns a Table, a DataFrame or a reader, which is masked and staged.

    Args:
        python_callable: The function.
        **kwargs: ``rules``, ``table`` and ``maskgate_conn_id``, and what every task takes.
    """
    kwargs.pop("multiple_outputs", None)
    return task_decorator_factory(
        python_callable=python_callable,
        decorated_operator_class=AnonymizeDecoratedOperator,
        **kwargs,
    )
