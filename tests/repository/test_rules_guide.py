from __future__ import annotations

import re
import runpy
import textwrap
from pathlib import Path

import pytest

from maskgate.methods.registry import METHODS
from maskgate.rules import load_rules
from maskgate.rules.findings import CODES
from maskgate.rules.neighbours import read_neighbour

DOCS = Path(__file__).parents[2] / "docs"
RULES, METHODS_GUIDE = ((DOCS / name).read_text(encoding="utf-8") for name in ("rules.md", "methods.md"))
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", RULES + METHODS_GUIDE, re.DOTALL | re.MULTILINE)
# The guides show single rules; here is a file around them.
FRAME = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
domains:
  email: {scheme: hmac}
  card: {scheme: fpe, luhn: true}
tables:
  customers:
    entity: customer_id
    columns:
      customer_id: drop
"""
# The files that the examples name.
NEIGHBOURS = {
    "hierarchies/education.csv": "Bachelors;Undergraduate;Higher education;*\nMasters;Graduate;Higher education;*\n"
}


def whole(block):
    return block if block.startswith("version:") else FRAME + textwrap.indent(block, "      ")


def section(method):
    return METHODS_GUIDE.partition(f"\n## `{method}`\n")[2].partition("\n## ")[0]


class TestRulesGuide:
    """The guides to rules and methods say what the code declares."""

    def test_what_is_written_by_make_docs_is_up_to_date(self, root):
        written = runpy.run_path(str(root / "docs" / "methods_table.py"))
        for guide in (RULES, METHODS_GUIDE):
            assert written["with_table"](guide) == guide, "run `make docs`"

    def test_every_method_and_every_code_has_its_row(self):
        assert [name for name in METHODS if f"\n| [`{name}`](#{name}) |" not in METHODS_GUIDE] == []
        assert [code for code in CODES if f"\n| `{code}` |" not in RULES] == []

    @pytest.mark.parametrize("method", sorted(METHODS))
    def test_every_method_has_its_heading_words_and_example(self, method):
        found = section(method)
        assert found.strip(), f"docs/methods.md has no heading for {method}"
        example = re.search(r"^```yaml\n(.*?)^```", found, re.DOTALL | re.MULTILINE)
        assert example, method
        assert re.search(rf"\b{method}\b", example[1]), method
        if METHODS[method].declaration.parameters:
            assert f"<!-- {method}: written by `make docs` -->" in found

    def test_headings_stand_in_order(self):
        headings = re.findall(r"^## `(\w+)`$", METHODS_GUIDE, re.MULTILINE)
        assert headings == sorted(METHODS)

    @pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition("\n")[0])
    def test_every_example_loads(self, block, tmp_path):
        for name, content in NEIGHBOURS.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
            assert read_neighbour(tmp_path / "rules.yaml", name) == content
        rules = tmp_path / "rules.yaml"
        rules.write_text(whole(block), encoding="utf-8")
        assert load_rules(rules).tables["customers"].columns

    def test_the_rules_of_a_plugin_load_without_it(self):
        text = (DOCS / "plugins.md").read_text(encoding="utf-8")
        example = text.partition("```yaml\n")[2].partition("```")[0]
        assert load_rules(example, plugins=False).tables["customers"].columns["full_name"].method == "acme.initials"
