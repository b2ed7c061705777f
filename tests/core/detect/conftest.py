from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.detect import KINDS, find


@pytest.fixture(scope="session")
def bracketed():
    """Puts what is found into ⟦brackets⟧."""

    def put(text, kinds=KINDS):
        marked = text
        for start, end, _ in reversed(find(pa.array([text]), kinds)[0]):
            marked = f"{marked[:start]}⟦{marked[start:end]}⟧{marked[end:]}"
        return marked

    return put
