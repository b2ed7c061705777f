"""Tasks that ask as `ApprovalSensor` asks, without a gate behind them."""

from __future__ import annotations

from typing import Any, Never

from airflow.sdk import DAG

from maskgate_airflow import ApprovalSensor

QUESTION = {
    "subject": "Export to “partner” {{ ds }}?",
    "body": "| table | rows |\n|---|---|\n| <b>customers</b> | 1 000 |\r\n\n`req_1`\n",
    "options": ["Approve", "Reject"],
    "params": {
        "reason": {
            "value": None,
            "description": "Your reason.",
            "schema": {"type": ["null", "string"], "title": "Reason", "maxLength": 2000},
        }
    },
}
DOCUMENT = {"id": "req_1", "question": QUESTION, "expires_at": "2999-01-01T00:00:00Z"}


class Asking(ApprovalSensor):
    """Parks with a question of its own, and takes an approval for an answer."""

    def execute(self, context: Any) -> Never:
        self._park(DOCUMENT, context, tell=False)

    def execute_complete(self, context: Any, event: Any, request: str = "") -> dict[str, str]:
        if event["chosen_options"] != ["Approve"]:
            self.execute(context)
        return {"request": request}


with DAG("asking", schedule=None, default_args={"owner": "pipelines"}):
    Asking(task_id="approve", staging="stg_1", destination="partner", retries=0)

with DAG("asking_twice", schedule=None):
    Asking.partial(task_id="approve", destination="partner", retries=0).expand(staging=["stg_1", "stg_2"])
