"""The command line."""

from __future__ import annotations

from maskgate.cli.main import main

__all__ = ["main"]
