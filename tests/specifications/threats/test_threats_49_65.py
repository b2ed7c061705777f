"""Threats 49 to 65, but for 55 to 57: foreign hosts and runs, hostile files, noise, rules, other tokens."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server.web.running_gate import Browser
from specifications.threats.attacked import Attacked, digests

from maskgate import KeyRing, load_rules, mask_table
from maskgate.errors import ConfigurationError, NotFound, PolicyError, Refused, RulesError
from maskgate.gate.grants import open_envelope, sign_grant
from maskgate.gate.signer import Signer
from maskgate.keys import Key
from maskgate.ledger import verify
from maskgate.server.configuration import read_configuration
from maskgate.testing.host import airflow_run
from maskgate.testing.staged_tables import describe_file, masked_tables, sample_rules, staged_bytes, write_staged

PART = "customers/part-00000.parquet"


def test_threat_49_an_answer_at_a_host_for_what_only_the_page_may_sign(gate):
    run = gate.run()
    document = gate.ask(run=run, destination="regulator")
    gate.airflow.park(run, document["question"])
    gate.airflow.answer(run, "reviewer", reason="signed with a token that a worker made")
    with gate.client() as client:
        assert "through airflow, only through web" in client.refresh(document["id"])["message"]
    assert gate.still_waits(document)


def test_threat_50_a_host_of_the_attackers(gate, waiting):
    asked = {"staging": waiting["staging"], "destination": "partner"}
    run = airflow_run("evil").as_json()
    for host in (
        run | {"instance": "evil"},
        run | {"instance": "http://127.0.0.1:9/"},
        run | {"url": "http://127.0.0.1:9/"},
        {"kind": "http"},
    ):
        answer = gate.post("requests", asked | {"host": host})
        assert answer.status_code == 422, host
    assert gate.still_waits(waiting)


def test_threat_51_an_answer_to_another_run_or_try(gate):
    run = gate.run()
    document = gate.ask(run=run)
    for change in ({"task_instance_id": "ti-other"}, {"try_number": 7}):
        gate.airflow.park(run, document["question"])
        gate.airflow.answer(run, "reviewer", reason="looks good to me", **change)
        with gate.client() as client:
            assert "another task instance" in client.refresh(document["id"])["message"]
    assert gate.still_waits(document)


def ask_after(gate, change):
    """Stage files, change the staging as a hostile worker can, and ask."""
    with gate.client() as client:
        opened = client.open_staging()
        folder = Path(opened["uri"])
        write_staged(folder, staged_bytes(masked_tables(), sample_rules()))
        change(folder)
        document = client.create_request(staging=opened["id"], destination="partner")
        return client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)


def symbolic(folder):
    (folder / PART).unlink()
    (folder / PART).symlink_to("/etc/hostname")


def hard(folder):
    os.link(folder / PART, folder / "customers/part-00001.parquet")


def outside(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["customers"]["files"][0]["path"] = "customers/../../../home/signing-key.pem"
    (folder / "manifest.json").write_text(json.dumps(manifest))


def pipe(folder):
    (folder / PART).unlink()
    os.mkfifo(folder / PART)


@pytest.mark.parametrize("change", [symbolic, hard, outside, pipe], ids=lambda each: each.__name__)
def test_threat_52_a_staging_of_links_and_ways_out(gate, change):
    refused = ask_after(gate, change)
    assert (refused["state"], gate.left(refused)) == ("refused", [])
    foreign = {hashlib.sha256(Path(each).read_bytes()).hexdigest() for each in ("/etc/hostname", gate.home.signing_key)}
    assert not foreign & digests(gate.home.sealed)


def test_threat_52_a_chained_address_in_the_configuration(gate):
    text = gate.configuration.file.read_text().replace("uri: staging", "uri: 'zip::s3://x/y'", 1)
    with pytest.raises(ConfigurationError, match="chained"):
        read_configuration(text, gate.configuration.file)


@pytest.mark.parametrize("kind", ["bomb", "noise"])
def test_threat_53_a_hostile_file_for_the_parser(gate, kind):
    content = staged_bytes(masked_tables(), sample_rules())[PART]
    if kind == "bomb":
        column = pa.DictionaryArray.from_arrays(pa.array([0] * 400_000, pa.int32()), pa.array(["x" * (4 << 20)]))
        bomb = {"customers": pa.table({"country": column})}
        content = staged_bytes(bomb, sample_rules(), compression="zstd", store_schema=False)[PART]
    else:
        content = content[:4] + os.urandom(len(content) - 8) + content[-4:]

    def plant(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["tables"]["customers"]["files"] = [describe_file(PART, content)]
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / PART).write_bytes(content)

    refused = ask_after(gate, plant)
    assert (refused["state"], gate.left(refused)) == ("refused", [])
    assert httpx.get(f"{gate.url}/healthz").json()["status"] == "ok"


def test_threat_54_originals_hidden_beside_the_cells(gate):
    tables = masked_tables()
    tables["customers"] = tables["customers"].replace_schema_metadata({"original": "ann@example.com"})
    refused = gate.ask(files=staged_bytes(tables, sample_rules()))
    assert (refused["state"], gate.left(refused)) == ("refused", [])
    assert "ann@" not in json.dumps([refused, gate.entries()[-5:]])


def test_threat_58_a_grant_of_a_gate_inside_of_a_worker(gate, person):
    document = gate.signed(person)
    with gate.store.read() as work:
        ring = gate.gate._parts.keys.ring(work)
        kept = work.exec_driver_sql("SELECT envelope FROM grants WHERE request = ?", (document["id"],)).scalar_one()
    grant = open_envelope(json.loads(kept), ring)
    forged = json.dumps(sign_grant(replace(grant, issuer="embedded"), Signer.load(gate.home.signing_key)))
    gate.tamper("UPDATE grants SET envelope = :envelope WHERE request = :id", envelope=forged, id=document["id"])
    answer = gate.post(f"requests/{document['id']}/release", {"host": None})
    assert answer.status_code == 422
    assert "embedded in a worker" in answer.json()["detail"]
    with gate.store.read() as work:
        (problem,) = verify(work).problems
    assert "is not the one that was issued" in problem
    assert gate.left(document) == []


@pytest.mark.parametrize("hours", [-1, 25], ids=["before it was asked", "after its end"])
def test_threat_59_an_answer_at_another_time(gate, hours):
    run = gate.run()
    document = gate.ask(run=run)
    gate.airflow.park(run, document["question"])
    at = gate.airflow.clock.now() + timedelta(hours=hours)
    gate.airflow.answer(run, "reviewer", reason="looks good to me", responded_at=at)
    with gate.client() as client:
        message = client.refresh(document["id"])["message"]
    assert "before the question was asked" in message or "after the time was over" in message
    assert gate.still_waits(document)


NOISE = """
version: 1
keys: {contact: env:UNUSED}
tables:
  pay:
    entity: id
    columns:
      id: keep
      income: {method: noise, kind: laplace, scale: 500, min: 0, max: 1000000}
  wide:
    entity: id
    columns:
      id: keep
      income: {method: noise, kind: laplace, scale: 1000, min: 0, max: 1000000}
"""


def test_threat_60_noise_taken_away_by_comparing_releases(tmp_path, provider):
    """Whoever gets several releases of one service learns neither a change from them, nor the noise of two scales."""
    keys = KeyRing({"contact": Key("contact", b"k" * 32)})
    before = [40_000.0 + each for each in range(50)]
    running = Attacked(tmp_path, provider.issuer, rules=NOISE)
    running.start()
    reviewer = Browser(running, provider, "reviewer")

    def release(incomes, table_name="pay"):
        table = pa.table({"id": list(range(len(incomes))), "income": pa.array(incomes, pa.float64())})
        rules = load_rules(NOISE)
        masked, _ = mask_table(table, rules, table_name=table_name, keys=keys)
        files = staged_bytes({table_name: masked}, rules)
        done = running.release(running.signed(lambda _: reviewer, files=files))
        (part,) = [path for path in running.left(done) if path.suffix == ".parquet"]
        return pq.read_table(part)["income"].to_pylist()

    try:
        first, later, wide = release(before), release([income + 100 for income in before]), release(before, "wide")
        assert release(before) == first
    finally:
        running.stop()
    assert sum(abs((b - a) - 100) < 1 for a, b in zip(first, later, strict=True)) < 5
    doubled = zip(before, first, wide, strict=True)
    assert sum(abs((c - true) - 2 * (b - true)) < 1 for true, b, c in doubled) < 5


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + each)}: &{chr(98 + each)} [{', '.join(['*' + chr(97 + each)] * 9)}]\n" for each in range(8)
)


def test_threat_61_a_bomb_of_aliases_and_an_include_of_elsewhere(gate, tmp_path, waiting):
    """Neither over HTTP, nor in a staging, nor in files that are put in place of those of the running gate."""
    with gate.bearer() as http:
        for kind in ("application/yaml", "application/json", "text/plain"):
            assert http.post("/api/v1/requests", content=BOMB, headers={"Content-Type": kind}).is_client_error
    refused = ask_after(gate, lambda folder: (folder / "manifest.json").write_text(BOMB))
    assert (refused["state"], gate.left(refused)) == ("refused", [])
    rules, policy = tmp_path / "rules.yaml", tmp_path / "policy.yaml"
    policy.write_text("version: 1\n" + BOMB)
    with pytest.raises(PolicyError):
        gate.gate.start(policy, [], {})
    for text in (BOMB, *(f"include: [{path}]\ntables: {{}}\n" for path in (gate.home.signing_key, "../home/x.yaml"))):
        rules.write_text("version: 1\n" + text)
        with pytest.raises(RulesError) as caught:
            gate.gate.start(gate.configuration.policy, [rules], {})
        assert "PRIVATE KEY" not in str(caught.value)
    assert httpx.get(f"{gate.url}/healthz").json()["status"] == "ok"
    assert gate.still_waits(waiting)


SCRUB = """
version: 1
tables:
  notes:
    columns:
      text: {method: scrub, find: [email], also_find: ["(a+)+$"], replace_with: type}
"""


HANGS = ["a" * 20_000 + "!", "a@" * 10_000, "1-" * 10_000 + "x", "." * 20_000 + "@", "0" * 20_000, "a.b@c." * 4_000]


@pytest.mark.timeout(60)
def test_threat_62_texts_and_patterns_that_make_a_search_hang(gate, waiting):
    """The gate looks through hostile cells of a staging in its time; a worker's own pattern has one as well."""
    tables = masked_tables(6)
    tables["customers"] = tables["customers"].set_column(2, "country", pa.array(HANGS, pa.string()))
    document = gate.ask(files=staged_bytes(tables, sample_rules()), why="a" * 3_000 + "!")
    assert document["state"] in {"pending", "refused"}
    assert httpx.get(f"{gate.url}/healthz").json()["status"] == "ok"
    table = pa.table({"text": ["a" * 50_000 + "!"] * 20})
    masked, _ = mask_table(table, load_rules(SCRUB), table_name="notes")
    assert masked.num_rows == 20
    assert gate.still_waits(waiting)


def test_threat_63_a_name_given_to_exclude_a_reviewer(gate, person):
    document = gate.ask(requesters=["reviewer"])
    assert "reviewer" not in document["involved"]
    assert person("reviewer").decide(document["id"], "deny").status_code == 303
    assert gate.read(document["id"])["state"] == "denied"


def test_threat_64_no_pack_brings_its_own_verifier(gate):
    """An auditor verifies with the installed program, against a key and a checkpoint that were kept elsewhere."""
    paths = httpx.get(f"{gate.url}/api/openapi.json").json()["paths"]
    assert not [path for path in paths if "verify" in path or "evidence" in path]
    with gate.client("auditor") as client:
        checkpoint = client.checkpoint()
    assert checkpoint["fingerprint"] == gate.gate.fingerprint
    assert set(checkpoint) >= {"size", "root", "note"}


def test_threat_65_one_token_reads_what_is_anothers(gate, person, waiting):
    with gate.client("other") as client:
        assert waiting["id"] not in [each["id"] for each in client.requests()]
        for call in (client.request, client.explain, client.refresh, client.withdraw, client.release):
            with pytest.raises(NotFound):
                call(waiting["id"])
        with pytest.raises(Refused):
            client.ledger_entries()
        with pytest.raises(NotFound):
            client.upload(waiting["staging"], PART, b"x")
        mine = gate.ask(token="other")
    with gate.client() as client, pytest.raises(NotFound):
        client.request(mine["id"])
    assert gate.still_waits(waiting)
    assert digests(gate.released) == set() or gate.left(waiting) == []
