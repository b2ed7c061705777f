"""The Laplace distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def laplace_sizes(minus_logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sizes that Laplace noise of mean size 1 exceeds with probability p, out of -log p: just that."""
    return minus_logs
