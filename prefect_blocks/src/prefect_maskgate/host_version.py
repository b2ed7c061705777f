"""The one place that knows which Prefect this is, and where it keeps what we use."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.context import TaskRunContext
from prefect.events import emit_event
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

__all__ = [
    "Block",
    "PrefectException",
    "Secret",
    "TaskRunContext",
    "create_markdown_artifact",
    "create_table_artifact",
    "emit_event",
    "flow_run_id",
    "get_run_logger",
    "task",
]


def flow_run_id() -> str | None:
    """Return the id of the flow run that this code is in; None outside of one."""
    return flow_run.get_id()
