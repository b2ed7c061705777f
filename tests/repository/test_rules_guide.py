from __future__ import annotations

import runpy

import pytest

from maskgate.methods.registry import METHODS
from maskgate.rules import load_rules


@pytest.fixture
def guide(root):
    return (root / "docs" / "rules.md").read_text(encoding="utf-8")


class TestRulesGuide:
    """The guide to the rules says what the code declares."""

    def test_the_table_of_methods_is_up_to_date(self, root, guide):
        written = runpy.run_path(str(root / "docs" / "methods_table.py"))
        assert written["with_table"](guide) == guide, "run `make docs`"

    def test_every_method_has_its_row(self, guide):
        assert [name for name in METHODS if f"\n| `{name}` |" not in guide] == []

    def test_its_example_loads(self, guide):
        example = guide.partition("```yaml\n")[2].partition("```")[0]
        assert load_rules(example).tables["customers"].columns["ssn"].method == "drop"
