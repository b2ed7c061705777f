"""The one place that knows which Airflow this is, and where it keeps what we use.

Maskgate needs Airflow 3.3: a task that asks a person is parked there in the state ``awaiting_input``, without a
trigger and without a worker slot, and can be parked again.
"""

from __future__ import annotations

from importlib.metadata import version

from packaging.version import Version

AIRFLOW_VERSION = Version(version("apache-airflow-core"))

if AIRFLOW_VERSION.release < (3, 3):
    raise ImportError(
        f"airflow-provider-maskgate needs Airflow 3.3 or later, and this is {AIRFLOW_VERSION}. Upgrade Airflow."
    )

# ruff: noqa: E402  an older Airflow must read the sentence above, not a missing name
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Asset, BaseHook, BaseOperator, BaseOperatorLink, Connection, Context, Param
from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, determine_kwargs, task_decorator_factory
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException, TaskAwaitingInput
from airflow.sdk.execution_time.hitl import upsert_hitl_detail
from airflow.sdk.plugins_manager import AirflowPlugin

__all__ = [
    "AIRFLOW_VERSION",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowPlugin",
    "Asset",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "Connection",
    "Context",
    "DecoratedOperator",
    "HITLOperator",
    "Param",
    "ParamsDict",
    "TaskAwaitingInput",
    "TaskDecorator",
    "determine_kwargs",
    "task_decorator_factory",
    "upsert_hitl_detail",
]
