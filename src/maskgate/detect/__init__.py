"""What personal data looks like: patterns with validators, and what names of columns say."""

from __future__ import annotations

from maskgate.detect.classification import classify, recognize
from maskgate.detect.column_names import DIRECT_IDENTIFIERS, kinds_of_name

__all__ = ["DIRECT_IDENTIFIERS", "classify", "kinds_of_name", "recognize"]
