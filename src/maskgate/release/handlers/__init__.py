"""What carries out approved actions at the gate: commands, HTTP calls and SQL statements of its configuration."""

from __future__ import annotations

from maskgate.release.handlers.command import CommandHandler
from maskgate.release.handlers.http import HttpHandler
from maskgate.release.handlers.sql import SqlHandler

__all__ = ["CommandHandler", "HttpHandler", "SqlHandler"]
