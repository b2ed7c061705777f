"""What a guide shows as a file can be used as one."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from maskgate.agents.tools_file import load_tools
from maskgate.gate.policy_reader import read_policy
from maskgate.rules import load_rules
from maskgate.server.configuration import read_configuration
from maskgate.server.releaser_configuration import load_releaser

ROOT = Path(__file__).resolve().parents[2]
# Guides to rules have a test of their own, in tests/repository/test_rules_guide.py.
OF_RULES = {ROOT / "docs" / name for name in ("rules.md", "methods.md", "plugins.md", "keys.md")}
GUIDES = sorted({*(ROOT / "docs").glob("*.md")} - OF_RULES)
SECRET = "https://hooks.example/services/T/B/x"
SECRETS = {"CRM_DATABASE_URL": "postgresql+psycopg://crm@db.example/crm"}
KEY = "bWFza2dhdGUtbWFza2dhdGUtbWFza2dhdGU="
# A guide may show a part of a file; here is what stands around it.
POLICY = """\
version: 1
people: {anna: ["company|1"], ben: ["company|2"], cleo: ["company|3"], dora: ["company|4"]}
reviewers:
  privacy: {people: [anna, ben, cleo]}
  legal: {people: [ben, cleo]}
  operations: {people: [cleo]}
  heads: {people: [dora]}
  on-call: {people: [dora]}
"""
GATE = {
    "version": "version: 1",
    "url": "url: http://127.0.0.1:8470",
    "policy": "policy: policy.yaml",
    "staging": "staging: {shared: {uri: /srv/maskgate/staging}}",
    "destinations": "destinations: {partner: {uri: /srv/partner, trust: external}}",
}


def examples(path: str) -> list[str]:
    return re.findall(r"^ *```yaml\n(.*?)^ *```", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def has(block: str, name: str) -> bool:
    return re.search(rf"^{name}:", block, re.MULTILINE) is not None


def shown() -> list:
    """Every file, or part of one, that a guide shows."""
    found = [(guide.name, block) for guide in GUIDES for block in examples(f"docs/{guide.name}")]
    return [
        pytest.param(textwrap.dedent(block), id=f"{name}: {block.strip().splitlines()[0]} {number}")
        for number, (name, block) in enumerate(found)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the examples refer to, and an environment likewise."""
    for guide in GUIDES:
        for name in re.findall(r"env:([A-Z0-9_]+)", guide.read_text(encoding="utf-8")):
            monkeypatch.setenv(name, SECRETS.get(name, SECRET))
    for name, content in (("oidc-secret", "s"), ("exports.token", "s"), ("staging.key", KEY)):
        (tmp_path / name).write_text(content, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    for name in ("rules", "srv/dags", "srv/private"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "sample_dags" / "rules" / "customers.yaml", tmp_path / "rules")
    return tmp_path


def load(block: str, folder: Path) -> object:
    """Read it by what reads such a file, and return what that made of it.

    Raises:
        MaskgateError: If it cannot be used.
    """
    file, block = folder / "shown.yaml", block.replace(" /srv/", f" {folder}/srv/")
    if has(block, "tools"):
        file.write_text(block, encoding="utf-8")
        return load_tools(file)
    if has(block, "ring"):
        file.write_text(block, encoding="utf-8")
        return load_releaser(file)
    if has(block, "otherwise"):
        return read_policy(block if has(block, "people") else POLICY + block, "policy.yaml").rules
    if has(block, "policies"):
        return read_policy(POLICY + block + "otherwise: refuse\n", "policy.yaml").rules
    if block.startswith("- name"):
        indented = textwrap.indent(block, "  ")
        return read_policy(POLICY + "policies:\n" + indented + "otherwise: refuse\n", "policy.yaml").rules
    if re.match(r"[\w-]+: \{uri:", block):
        block = "destinations:\n" + textwrap.indent(block, "  ")
    around = [line for name, line in GATE.items() if not has(block, name)]
    return read_configuration("\n".join([*around, block]), folder / "gate.yaml")


class TestGuides:
    """What a guide shows as a file can be used as one."""

    @pytest.mark.parametrize("block", shown())
    def test_it_loads(self, block, folder):
        assert load(block, folder)

    def test_the_configuration_of_the_gate_says_what_it_seems_to(self, folder):
        configuration = read_configuration(examples("docs/gate.md")[0], folder / "gate.yaml")
        assert configuration.destinations["partner"].trust == "external"
        assert configuration.listen == ("127.0.0.1", 8470)

    def test_the_rules_of_the_readme_load(self):
        assert load_rules(examples("README.md")[0]).tables["customers"].columns["customer_id"].method == "drop"

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(examples("docs/gate.md")[1], id="the policy of the guide"),
            pytest.param(
                (ROOT / "sample_dags" / "policy.yaml").read_text(encoding="utf-8"), id="the policy of the demo"
            ),
        ],
    )
    def test_a_policy_says_what_it_seems_to(self, text):
        assert read_policy(text, "policy.yaml").rules[0].requirement.slots == {"privacy": 1}
