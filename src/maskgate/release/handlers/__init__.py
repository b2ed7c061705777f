"""What carries out approved actions at the gate: commands, HTTP calls, SQL statements, values back."""

from __future__ import annotations

from maskgate.release.handlers.command import CommandHandler
from maskgate.release.handlers.detokenize import DetokenizeHandler
from maskgate.release.handlers.http import HttpHandler
from maskgate.release.handlers.sql import SqlHandler

__all__ = ["CommandHandler", "DetokenizeHandler", "HttpHandler", "SqlHandler"]
