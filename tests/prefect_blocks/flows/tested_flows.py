"""Flows that the tests run, each in a process of its own: `python tested_flows.py NAME [ARGUMENT…]`.

`why` tells the tests whose request it is. The last line of the log is the outcome, as JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
from prefect import flow

from maskgate.errors import MaskgateError
from maskgate.rules import load_rules
from prefect_maskgate import ApprovalGate, MaskingKeys, MaskingRules, anonymize, await_approval, release

SAMPLES = Path(__file__).resolve().parents[3] / "sample_dags"
RULES = SAMPLES / "rules" / "customers.yaml"
NOWHERE = ApprovalGate(url="http://127.0.0.1:9", token="mg_pipeline_none")
HASTE = {"retries": 2, "retry_delay_seconds": 0.2}


def sources(data):
    return {"customers": f"{data}/customers.parquet", "orders": f"{data}/orders.parquet"}


@flow
def tested_export(why, data):
    return release(await_approval(anonymize(sources(data), RULES), "partner", why=why))


@flow
def tested_memory(why, data):
    tables = {name: pq.read_table(source) for name, source in sources(data).items()}
    return release(await_approval(anonymize(tables, RULES), "partner", why=why))


@flow
async def tested_async(why, data):
    """Ask in a thread, so that other coroutines go on; rules and keys are those of blocks."""
    keys = {name: os.environ[f"MASKGATE_KEY_{name.upper()}"] for name in ("people", "contact")}
    await MaskingKeys(texts=keys).save("tested")
    for name in keys:
        del os.environ[f"MASKGATE_KEY_{name.upper()}"]
    staged = anonymize(sources(data), MaskingRules(path=str(RULES)), keys="tested")
    beats = asyncio.create_task(_count())
    approved = await asyncio.to_thread(await_approval, staged, "partner", why=why)
    beats.cancel()
    return {"beats": await beats, **release(approved)}


async def _count():
    count = 0
    with suppress(asyncio.CancelledError):
        while True:
            count += 1
            await asyncio.sleep(0.05)
    return count


@flow
def nobody_answers(why, data):
    return release(await_approval(anonymize(sources(data), RULES), "partner", why=why))


@flow
def tested_expiry(why, data):
    return release(await_approval(anonymize(sources(data), RULES), "noticeboard", why=why))


@flow
def tested_destination(why, data):
    return release(await_approval(anonymize(sources(data), RULES), "file:///elsewhere", why=why))


@flow
def tested_impatience(why, data):
    """Release without waiting for anybody."""
    staged = anonymize(sources(data), RULES)
    gate = ApprovalGate.load("maskgate")
    with gate.client() as client:
        asked = client.create_request(
            staging=staged["staging"], destination="partner", why=why, host=gate.run_identity()
        )
        client.wait(asked["id"], lambda found: found["state"] != "sealing", 60)
    return release(asked["id"])


@flow
def tested_forgery(request):
    """Release what another run has had signed."""
    return release({"request": request})


@flow
def tested_liar(why, data):
    """Stage the originals under a report that says they are masked."""
    folder = Path(data)
    gate = ApprovalGate.load("maskgate")
    with gate.client() as client:
        staged = client.open_staging()
    lie(folder, Path(staged["uri"]))
    return release(await_approval(staged["id"], "partner", why=why))


def lie(data, staging):
    tables = {}
    for name in ("customers", "orders"):
        content = (data / f"{name}.parquet").read_bytes()
        (staging / name).mkdir()
        (staging / name / "part-00000.parquet").write_bytes(content)
        file = {
            "path": f"{name}/part-00000.parquet",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        schema = pq.read_schema(data / f"{name}.parquet")
        tables[name] = {
            "rows": pq.read_metadata(data / f"{name}.parquet").num_rows,
            "schema": [{"name": field.name, "type": str(field.type)} for field in schema],
            "files": [file],
        }
    columns = {name: {"rows": table["rows"], "columns": {}} for name, table in tables.items()}
    manifest = {
        "format": "maskgate-manifest/1",
        "rules": {"digest": load_rules(RULES).digest},
        "keys": {"people": 1, "contact": 1},
        "tables": tables,
        "report": columns,
    }
    (staging / "manifest.json").write_text(json.dumps(manifest))


@flow(retries=1, retry_delay_seconds=0.1)
def tested_retry(why, data):
    """Fail once after the signature; the retry masks and asks nothing anew."""
    approved = await_approval(anonymize(sources(data), RULES), "partner", why=why)
    mark = Path(data) / why
    if not mark.exists():
        mark.touch()
        raise RuntimeError("fails once")
    return release(approved)


@flow
def tested_masking_without_gate(data):
    return anonymize.with_options(**HASTE)(sources(data), RULES, NOWHERE)


@flow
def tested_asking_without_gate():
    return await_approval("stg_1", "partner", NOWHERE, ride_out_seconds=1.5)


@flow
def tested_release_without_gate():
    return release.with_options(**HASTE)("req_1", NOWHERE)


@flow
def tested_missing_block():
    return release("req_1", "no-such-block")


@flow
def tested_wrong_file(data):
    return anonymize({"customers": f"{data}/missing.parquet"}, RULES)


def rotate(bits, trace):
    with Path(trace).open("a", encoding="utf-8") as file:
        file.write(f"{bits}\n")


@flow
def tested_action(why, trace, bits):
    """Have an action signed that has no staged files, for 256 bits, and carry it out with as many as told."""
    asked = {"bits": "256", "trace": trace}
    approved = await_approval(action="rotate-key", resource="prod/customers", arguments=asked, why=why)
    receipt = release(approved, arguments={**asked, "bits": bits}, call=rotate)
    return [receipt, release(approved, arguments=asked, call=rotate)]


def sample(name):
    """Return a flow of the samples."""
    sys.path.append(str(SAMPLES))
    return getattr(importlib.import_module(f"{name}_flow"), name)


def main(name, *arguments):
    run = globals().get(name) or sample(name)
    try:
        returned = run(*arguments)
        outcome = {"result": asyncio.run(returned) if run.isasync else returned}
    except (MaskgateError, RuntimeError) as error:
        outcome = {"error": type(error).__name__, "message": str(error)}
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
