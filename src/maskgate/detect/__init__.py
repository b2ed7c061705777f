"""What personal data looks like: patterns with validators, and what names of columns say."""

from __future__ import annotations

from maskgate.detect.classification import classify, recognize
from maskgate.detect.column_names import DIRECT_IDENTIFIERS, PEOPLE, kinds_of_name
from maskgate.detect.find import find
from maskgate.detect.kinds import KINDS

__all__ = ["DIRECT_IDENTIFIERS", "KINDS", "PEOPLE", "classify", "find", "kinds_of_name", "recognize"]
