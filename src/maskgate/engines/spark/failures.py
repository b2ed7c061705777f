"""What went wrong on an executor, told on the driver as what it is."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.errors import PythonException

from maskgate import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

# The last error of the worker's traceback, which may show causes before it; a message may have several lines.
_OURS = re.compile(r".*^maskgate\.errors\.(MaskingError|KeyReferenceError): (.+?)\s*\Z", re.MULTILINE | re.DOTALL)


@contextmanager
def translated() -> Iterator[None]:
    """Raise an error of ours that an executor has raised, without the traceback that Spark puts around it.

    Raises:
        MaskingError: If a method could not take a value.
        KeyReferenceError: If a key cannot be had there.
    """
    try:
        yield
    except PythonException as error:
        # Some sessions show what Java did behind it.
        found = _OURS.search(str(error).partition("\n\nJVM stacktrace:")[0])
        if found is None:
            raise
        raise getattr(errors, found[1])(found[2]) from None
