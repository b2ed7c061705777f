"""Each of the 65 threats is attacked by a test that says so in its name; what is outside says why in SECURITY.md."""

from __future__ import annotations

import re

THREATS = set(range(1, 66))
TEST = re.compile(r"^def test_threat_(\d\d)_", re.MULTILINE)
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


class TestThreats:
    """None is forgotten, and none is explained away without a reason."""

    def test_each_has_a_test(self, root):
        files = (root / "tests/specifications/threats").glob("test_*.py")
        assert {int(number) for file in files for number in TEST.findall(file.read_text())} == THREATS

    def test_what_is_outside_says_why(self, root):
        outside = {int(number): why for number, _, why in ROW.findall((root / "SECURITY.md").read_text())}
        assert outside
        assert outside.keys() <= THREATS
        assert all(len(why) > 40 for why in outside.values())
