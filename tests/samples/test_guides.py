from __future__ import annotations

import re
from pathlib import Path

import pytest

from maskgate.gate.policy_reader import read_policy
from maskgate.rules import load_rules
from maskgate.server.configuration import read_configuration

ROOT = Path(__file__).resolve().parents[2]


def examples(path: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


class TestGuides:
    """What a guide shows as a file can be used as one."""

    def test_the_configuration_loads(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW_PASSWORD", "a")
        monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.example/services/T/B/x")
        secret = tmp_path / "oidc-secret"
        secret.write_text("s", encoding="utf-8")
        secret.chmod(0o600)
        configuration = read_configuration(examples("docs/gate.md")[0], tmp_path / "gate.yaml")
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
    def test_a_policy_loads(self, text):
        assert read_policy(text, "policy.yaml").rules[0].requirement.slots == {"privacy": 1}
