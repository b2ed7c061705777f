"""What personal data looks like: patterns with validators, and what names of columns say."""

from __future__ import annotations

from maskgate.detect.classification import classify, recognize
from maskgate.detect.column_names import DIRECT_IDENTIFIERS, PEOPLE, kinds_of_name

__all__ = ["DIRECT_IDENTIFIERS", "PEOPLE", "classify", "kinds_of_name", "recognize"]
