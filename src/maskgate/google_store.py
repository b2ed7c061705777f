"""Google's storage, as gates and masking open it; by itself, because a gate loads no Arrow, and masking no gate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem


def google_store(options: Mapping[str, Any]) -> AbstractFileSystem:
    """Open Google's storage by its JSON API alone.

    gcsfs has another way besides, over gRPC, which knows no condition that an upload can be held to. Where it is on,
    everything begins with a question over gRPC, and where nobody answers that, it waits.

    Raises:
        ImportError: If gcsfs is not installed.
    """
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # spares the import of the other way
    from gcsfs.core import GCSFileSystem  # noqa: PLC0415  its own package

    return GCSFileSystem(**options)
