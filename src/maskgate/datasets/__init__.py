"""Mask whole datasets: Parquet in, Parquet and a manifest out, all or nothing, in bounded memory."""

from __future__ import annotations

from maskgate.datasets.bundle import MaskedBundle, mask_bundle
from maskgate.datasets.dataset import MaskedDataset, mask_dataset
from maskgate.datasets.run import Progress

__all__ = ["MaskedBundle", "MaskedDataset", "Progress", "mask_bundle", "mask_dataset"]
