"""The command line."""

from __future__ import annotations

import sys

try:
    from maskgate.cli.main import main
except KeyboardInterrupt:
    # Whoever stops a command while it is being imported wants to see no traceback, either.
    sys.stderr.write("\nmaskgate: stopped.\n")
    sys.exit(130)

__all__ = ["main"]
