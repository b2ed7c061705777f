from __future__ import annotations

from maskgate.cli.first_files import GATE
from maskgate.server.configuration import read_configuration


class TestFirstGateConfiguration:
    """The configuration that `maskgate init` writes can be started from as it is."""

    def test_it_loads(self, tmp_path):
        configuration = read_configuration(GATE, tmp_path / "gate.yaml")
        assert configuration.policy == tmp_path / "policy.yaml"
        assert configuration.rules == (tmp_path / "rules.yaml",)
        assert [destination.trust for destination in configuration.destinations.values()] == ["external"]

    def test_the_blocks_in_comments_load_once_they_are_none(self, tmp_path, monkeypatch):
        for name in ("AIRFLOW_PASSWORD", "LOGIN_SECRET"):
            monkeypatch.setenv(f"MASKGATE_{name}", "a-secret-for-this-test")
        lines = [line.removeprefix("# ") if line.endswith((":", "}")) else line for line in GATE.splitlines()]
        configuration = read_configuration("\n".join(lines), tmp_path / "gate.yaml")
        assert set(configuration.airflow) == {"prod"}
        assert set(configuration.prefect) == {"local"}
        assert set(configuration.login) == {"company"}
