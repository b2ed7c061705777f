"""Loads pyarrow as a process needs it that does nothing but mask.

* All of its memory comes from glibc, that of its readers and writers too, which ask once when they are loaded
  (:mod:`maskgate.datasets.arrow_memory` says why); this takes a fifth less of it. glibc is told to keep what is freed,
  since the next stretch of rows needs as much again.
* Its kernels come without their documentation, which takes as long to write as all the rest of them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any

# The numbers are those of <malloc.h>: nothing is given back by itself, and below 32 MiB nothing is asked for by itself.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER, _LARGEST = (1 << 31) - 1, 1 << 25
_DESCRIPTIONS = "pyarrow.vendored.docscrape"


class _Undescribed(dict[str, Any]):
    """Stands for the parsed description of a class of options: it has no parameters."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(Parameters=[])


def load_arrow() -> None:
    """Load pyarrow and its kernels; a pool that somebody chose in the environment stays."""
    with suppress(ValueError, OSError, AttributeError):
        if os.confstr("CS_GNU_LIBC_VERSION"):
            os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
            glibc = ctypes.CDLL(None)
            glibc.mallopt(_TRIM_THRESHOLD, _NEVER)
            glibc.mallopt(_MMAP_THRESHOLD, _LARGEST)
    _load_compute()


def _load_compute() -> None:
    """Load ``pyarrow.compute``; nobody reads in this process what its functions do.

    If a version of pyarrow describes them in another way, it is left to load as it does.
    """
    if _DESCRIPTIONS in sys.modules or "pyarrow.compute" in sys.modules:
        return
    stand_in = ModuleType(_DESCRIPTIONS)
    stand_in.NumpyDocString = _Undescribed  # type: ignore[attr-defined]
    sys.modules[_DESCRIPTIONS] = stand_in
    try:
        with suppress(Exception):
            import pyarrow.compute  # noqa: F401, PLC0415  not before it is needed
    finally:
        del sys.modules[_DESCRIPTIONS]
