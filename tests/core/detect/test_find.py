from __future__ import annotations

import pytest
from core.detect import texts_with_addresses, texts_with_dates, texts_with_numbers

from maskgate.detect import KINDS

FOUND = {**texts_with_addresses.FOUND, **texts_with_numbers.FOUND, **texts_with_dates.FOUND}


def cases(kind):
    for line in FOUND[kind].strip().splitlines():
        yield pytest.param(kind, line.strip(), id=f"{kind}: {line.strip()}".encode("ascii", "replace").decode())


class TestEachKind:
    """What is personal data is found, whole and without what is around it; what only looks like it is not."""

    @pytest.mark.parametrize(("kind", "expected"), [case for kind in FOUND for case in cases(kind)])
    def test_is_found_where_it_is(self, bracketed, kind, expected):
        text = expected.replace("⟦", "").replace("⟧", "")
        assert bracketed(text, [kind]) == expected

    def test_every_kind_is_tried(self):
        assert set(FOUND) == set(KINDS)
