"""Maskgate in Airflow: mask tables, hold exports under *Required Actions*, release them once they are signed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgate_airflow.approve import ApprovalSensor
    from maskgate_airflow.hook import MaskgateHook
    from maskgate_airflow.mask import AnonymizeOperator
    from maskgate_airflow.release import ReleaseOperator

__all__ = ["AnonymizeOperator", "ApprovalSensor", "MaskgateHook", "ReleaseOperator"]

_WHERE = {
    "AnonymizeOperator": "maskgate_airflow.mask",
    "ApprovalSensor": "maskgate_airflow.approve",
    "MaskgateHook": "maskgate_airflow.hook",
    "ReleaseOperator": "maskgate_airflow.release",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
