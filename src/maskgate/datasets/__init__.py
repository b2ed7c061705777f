"""Mask whole datasets: files in, files and a manifest out, all or nothing, in bounded memory."""

from __future__ import annotations

from maskgate.datasets.bundle import MaskedBundle, mask_bundle
from maskgate.datasets.dataset import MaskedDataset, mask_dataset
from maskgate.datasets.layout import Layout
from maskgate.datasets.progress import Progress
from maskgate.datasets.sql_source import SqlQuery
from maskgate.datasets.sql_target import SqlTable

__all__ = [
    "Layout",
    "MaskedBundle",
    "MaskedDataset",
    "Progress",
    "SqlQuery",
    "SqlTable",
    "mask_bundle",
    "mask_dataset",
]
