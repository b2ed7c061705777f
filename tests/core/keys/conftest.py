from __future__ import annotations

import base64

import pytest

from maskgate.errors import KeyReferenceError
from maskgate.keys import KeyRing
from maskgate.testing.secret_traces import traces_of

SECRETS = tuple(bytes(range(first, first + 32)) for first in (65, 129))


@pytest.fixture
def secrets():
    """The bytes of two keys."""
    return SECRETS


@pytest.fixture
def texts():
    """The same as base64."""
    return tuple(base64.b64encode(each).decode() for each in SECRETS)


@pytest.fixture
def refusal(texts):
    """Resolve references that must be refused; return the words, once it is sure that no key is in their wake."""

    def refusal(references, base=None):
        with pytest.raises(KeyReferenceError) as refused:
            KeyRing.resolve(references, base=base)
        for secret in (*SECRETS, *texts, *(text[:20] for text in texts)):
            assert traces_of(secret, refused.value) == []
        assert refused.value.__cause__ is None
        assert refused.value.__context__ is None
        return str(refused.value)

    return refusal


@pytest.fixture
def key_file(tmp_path):
    """Write the file of a key."""

    def write(text, mode=0o600, name="people.key"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write
