"""Pipelines of honest, careless and hostile authors. What a run does differently stands in its conf."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, get_current_context, task

from maskgate_airflow import AnonymizeOperator, ApprovalSensor, MaskgateHook, ReleaseOperator

RULES = os.environ.get("SPECIFICATION_RULES", "rules.yaml")
DATA = Path(os.environ.get("SPECIFICATION_DATA", "."))
SOURCES = {"customers": str(DATA / "customers.parquet"), "orders": str(DATA / "orders.parquet")}
GATE = "{{ dag_run.conf.get('gate', 'maskgate_default') }}"
DESTINATION = "{{ dag_run.conf.get('destination', 'partner') }}"
BRISK = {"retries": 20, "retry_delay": timedelta(seconds=2), "retry_exponential_backoff": 0, "owner": "pipelines"}
EXTRACT = Asset("masked_extract")
RELEASED = Asset("released_extract")


def mask() -> AnonymizeOperator:
    return AnonymizeOperator(task_id="mask", rules=RULES, sources=SOURCES, maskgate_conn_id=GATE, outlets=[EXTRACT])


def approve(staging: Any, sensor: type[ApprovalSensor] = ApprovalSensor) -> ApprovalSensor:
    return sensor(
        task_id="approve", staging=staging, destination=DESTINATION, why="Weekly extract", maskgate_conn_id=GATE
    )


def release(request: Any) -> ReleaseOperator:
    return ReleaseOperator(task_id="release", request=request, maskgate_conn_id=GATE, outlets=[RELEASED])


with DAG("gated", schedule=None, default_args=BRISK):
    masked = mask()
    asked = approve(masked.output)
    masked >> asked >> release(asked.output)


with DAG("scheduled", schedule="@once", start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=BRISK):
    masked = mask()
    asked = approve(masked.output)
    masked >> asked >> release(asked.output)


class LunchSensor(ApprovalSensor):
    """Shows another question than the gate's, for the gate's request."""

    def _park(self, document: Any, context: Any, **more: Any) -> Any:
        question = {**document["question"], **get_current_context()["dag_run"].conf["question"]}
        return super()._park({**document, "question": question}, context, **more)


with DAG("hostile_question", schedule=None, default_args=BRISK):
    masked = mask()
    asked = approve(masked.output, LunchSensor)
    masked >> asked >> release(asked.output)


with DAG("release_alone", schedule=None, default_args=BRISK):
    release("{{ dag_run.conf.get('request', '') }}")


@task
def tamper(staged: dict[str, Any]) -> None:
    """Change staged files in the way that the run's conf names, as any worker may."""
    folder = Path(os.environ["SPECIFICATION_STAGING"], staged["staging"])
    part = folder / "customers" / "part-00000.parquet"
    manifest = folder / "manifest.json"
    how = get_current_context()["dag_run"].conf["how"]
    if how == "one byte":
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.chmod(0o600)
        part.write_bytes(content)
    elif how == "symbolic link":
        elsewhere = folder.parent / f"{staged['staging']}.elsewhere"
        part.rename(elsewhere)
        part.symlink_to(elsewhere)
    elif how == "hard link":
        os.link(part, folder.parent / f"{staged['staging']}.second-name")
    elif how == "one more file":
        (folder / "customers" / "originals.parquet").write_bytes(Path(SOURCES["customers"]).read_bytes())
    elif how in {"dots in the manifest", "absolute path in the manifest"}:
        content = json.loads(manifest.read_text())
        outside = "../../../etc/passwd" if how.startswith("dots") else "/etc/passwd"
        content["tables"]["customers"]["files"][0]["path"] = outside
        manifest.chmod(0o600)
        manifest.write_text(json.dumps(content))


with DAG("tampered", schedule=None, default_args=BRISK):
    masked = mask()
    asked = approve(masked.output)
    tamper(masked.output) >> asked >> release(asked.output)


@task
def wait_for_the_test() -> None:
    """Hold the run until the test has changed something behind the gate's back."""
    flag = Path(os.environ["SPECIFICATION_FLAGS"], get_current_context()["run_id"].replace("/", "_"))
    while not flag.exists():
        time.sleep(0.2)


with DAG("slow_author", schedule=None, default_args=BRISK):
    masked = mask()
    asked = approve(masked.output)
    masked >> asked >> wait_for_the_test() >> release(asked.output)


@task
def stage_originals() -> dict[str, Any]:
    """Stage the original tables, with a manifest that says they were masked by the registered rules."""
    with MaskgateHook().get_conn() as gate:
        opened = gate.open_staging()
    folder = Path(opened["uri"])
    claimed = json.loads(Path(os.environ["SPECIFICATION_LIE"]).read_text())
    for name in claimed["tables"]:
        (folder / name).mkdir()
        part = folder / name / "part-00000.parquet"
        part.write_bytes((DATA / f"lying_{name}.parquet").read_bytes())
        claimed["tables"][name]["files"] = [
            {
                "path": f"{name}/part-00000.parquet",
                "size": part.stat().st_size,
                "sha256": sha256(part.read_bytes()).hexdigest(),
            }
        ]
    (folder / "manifest.json").write_text(json.dumps(claimed))
    return {"staging": opened["id"]}


with DAG("lying", schedule=None, default_args=BRISK):
    asked = approve(stage_originals())
    asked >> release(asked.output)


with DAG("decorated", schedule=None, default_args=BRISK):

    @task.anonymize(rules=RULES, table="orders", outlets=[EXTRACT])
    def read_orders() -> Any:
        """Return originals: they are masked before anything leaves the worker."""
        import pyarrow.parquet as pq  # noqa: PLC0415  as authors do, so that the DAG file is read quickly

        return pq.read_table(SOURCES["orders"])

    staged = read_orders()
    asked = approve(staged["staging"])
    asked >> release(asked.output)


def rotate(bits: int) -> None:
    """Leave a trace of what was done."""
    name = get_current_context()["run_id"].replace("/", "_")
    with Path(os.environ["SPECIFICATION_FLAGS"], f"rotated_{name}").open("a", encoding="utf-8") as trace:
        trace.write(f"{bits}\n")


with DAG("acting", schedule=None, default_args=BRISK, render_template_as_native_obj=True):
    asked = ApprovalSensor(
        task_id="approve", action="rotate-key", resource="prod/customers", arguments={"bits": 256}, why="It leaked"
    )
    asked >> ReleaseOperator(
        task_id="release",
        request=asked.output,
        arguments={"bits": "{{ dag_run.conf.get('bits', 256) }}"},
        call=rotate,
    )


IMPATIENT = {**BRISK, "retries": 2, "retry_delay": timedelta(seconds=1), "retry_exponential_backoff": 2.0}

with DAG("unreachable", schedule=None, default_args=IMPATIENT):
    away = {"maskgate_conn_id": "maskgate_away"}
    AnonymizeOperator(task_id="mask", rules=RULES, sources=SOURCES, **away)
    ApprovalSensor(task_id="approve", staging="stg_0", destination="partner", **away)
    ReleaseOperator(task_id="release", request="req_0", **away)
