"""Maskgate in Prefect: mask tables, hold exports until somebody else has signed, release them once."""

from __future__ import annotations

from prefect_maskgate.approve import await_approval
from prefect_maskgate.gate import ApprovalGate
from prefect_maskgate.keys import MaskingKeys
from prefect_maskgate.mask import anonymize
from prefect_maskgate.release import release
from prefect_maskgate.rules import MaskingRules

__all__ = ["ApprovalGate", "MaskingKeys", "MaskingRules", "anonymize", "await_approval", "release"]
