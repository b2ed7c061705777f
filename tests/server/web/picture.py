"""Take the picture of the review page for the documentation, of a gate with the sample's data, rules and policy.

Run as ``PYTHONPATH=tests:sample_dags .venv/server/bin/python -m server.web.picture docs/images/review-page.png``.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import warnings
from pathlib import Path

from make_data import make_data
from server.identity_provider import Provider
from server.web.running_gate import RunningGate
from server.web.screenshots import take_picture

from maskgate.datasets import mask_bundle
from maskgate.gate.host import Clears, HostRun, RunFacts
from maskgate.keys import Key, KeyRing
from maskgate.rules import load_rules

SAMPLES = Path(__file__).resolve().parents[3] / "sample_dags"
# As far as the first table: what a reader of the README looks at.
HEIGHT = 1420
WHY = (
    "Quarterly churn analysis with the partner, ticket DATA-1432.\nThey need orders joined to customers, nothing else."
)


class OneRun:
    """An Airflow that knows one run, which somebody started by hand."""

    accounts = ("airflow:prod|gate",)

    def read_run(self, run: HostRun) -> RunFacts:
        return RunFacts(workflow=run.dag_id, triggered_by=("airflow:prod|requester",), try_number=1)

    def read_clears(self, _run: HostRun) -> Clears:
        return Clears()

    def read_answer(self, _run: HostRun) -> None:
        return None

    def wake(self, _run: HostRun, *, approved: bool) -> None:
        """Nobody is parked."""

    def note(self, _run: HostRun, _text: str) -> None:
        """Nobody reads notes here."""


def main(picture: Path, scheme: str = "light") -> None:
    """Make the data, mask and stage it, ask, let the requester try to approve, and look as the reviewer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from oidc_provider_mock import run_server_in_thread  # noqa: PLC0415  its imports warn
    with tempfile.TemporaryDirectory() as folder, run_server_in_thread(require_nonce=True) as server:
        provider = Provider(server.server_port)
        provider.user("reviewer", name="reviewer", groups=["privacy-team"])
        gate = RunningGate(
            Path(folder),
            provider.issuer,
            policy=(SAMPLES / "policy.yaml").read_text(),
            rules=(SAMPLES / "rules" / "customers.yaml").read_text(),
            partner="s3://northwind-exchange/incoming",
            hosts={"airflow:prod": OneRun()},
        )
        gate.start()
        url = _request(gate, Path(folder) / "data")["url"]
        take_picture(url, "reviewer", picture, scheme=scheme, height=HEIGHT)
        gate.stop()


def _request(gate: RunningGate, data: Path) -> dict:
    data.mkdir()
    files = {file.stem: file for file in make_data(data)}
    rules = load_rules(SAMPLES / "rules" / "customers.yaml")
    keys = KeyRing({name: Key(name, secrets.token_bytes(32)) for name in rules.keys})
    run = HostRun("airflow", "prod", "manual__2026-11-24T08:00:00+00:00", "gated_export", "approve", -1, 1)
    with gate.client() as client:
        staging = client.open_staging()
        mask_bundle(files, staging["uri"], rules, keys=keys)
        asked = client.create_request(staging=staging["id"], destination="partner", why=WHY, host=run.as_json())
        return client.wait(asked["id"], lambda each: each["state"] != "sealing", timeout=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
