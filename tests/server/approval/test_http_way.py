from __future__ import annotations

import pytest

from maskgate.agents.tools import HttpWay


class TestHttpWay:
    """What an address answers is told, whatever it says of its encoding."""

    @pytest.mark.parametrize(
        ("charset", "content", "text"),
        [
            ("latin-1", b"caf\xe9", "café"),
            ("utf-8", b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
            ("hex", b"6162", "6162"),
            ("no-such", "café".encode(), "café"),
        ],
    )
    def test_encodings(self, page, charset, content, text):
        result = HttpWay("GET", page(f"text/plain; charset={charset}", content), 5).run({})
        assert (result.succeeded, result.exit_code, result.text) == (True, 200, text)
