"""Mask whole datasets: files in, files and a manifest out, all or nothing, in bounded memory."""

from __future__ import annotations

from maskgate.datasets.bundle import MaskedBundle, mask_bundle
from maskgate.datasets.dataset import MaskedDataset, mask_dataset
from maskgate.datasets.layout import Layout
from maskgate.datasets.progress import Progress

__all__ = ["Layout", "MaskedBundle", "MaskedDataset", "Progress", "mask_bundle", "mask_dataset"]
