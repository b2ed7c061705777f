"""Threats 1 to 16: who signs, what leaves, and that neither grants nor tasks can be forged."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from specifications.threats.attacked import TOKENS, Attacked

from maskgate.errors import StillPending
from maskgate.gate.grants import Grant, open_envelope, sign_grant
from maskgate.gate.signer import Signer


def test_threat_01_self_approval_by_the_same_person(gate, provider, person, waiting):
    provider.user("requester", name="Rhea Viewer", email="reviewer@company.example", groups=["privacy-team"])
    for login in ("company", "other"):
        answer = gate.decide(person("requester", login), waiting)
        assert answer.status_code == 403
        assert "is involved" in answer.json()["detail"]
    assert gate.still_waits(waiting)
    assert any("is involved" in refusal for refusal in gate.refusals(waiting))


def test_threat_02_a_token_decides_by_itself_or_beside_a_session(gate, person, waiting):
    body = {"verdict": "approve", "reason": "as good as signed"}
    body |= {name: waiting[name] for name in ("intent_digest", "context_digest")}
    path = f"/api/v1/requests/{waiting['id']}/decisions"
    for name in ("pipeline", "other", "auditor"):
        with gate.bearer(name) as http:
            assert http.post(path, json=body).status_code == 403
    reviewer = person("reviewer")
    headers = {
        "Authorization": f"Bearer {gate.token()}",
        "X-CSRF-Token": reviewer.csrf_token(waiting["id"]),
    }
    assert reviewer.http.post(path, json=body, headers=headers).status_code == 403
    assert gate.still_waits(waiting)
    assert any("decides nothing" in refusal for refusal in gate.refusals(waiting))


def test_threat_03_a_second_account_that_the_policy_links_to_nobody(gate, person, waiting):
    alias = person("second", "other")
    assert alias.http.get(f"/requests/{waiting['id']}").status_code == 404
    body = {"verdict": "approve", "reason": "as good as signed"}
    body |= {name: waiting[name] for name in ("intent_digest", "context_digest")}
    answer = alias.http.post(f"/api/v1/requests/{waiting['id']}/decisions", json=body)
    assert answer.status_code == 403
    assert gate.still_waits(waiting)


AUTHORS = """
airflow:
  prod:
    url: http://127.0.0.1:9
    username: gate
    password: "file:client-secret"
    authors: {repository: dags, people: {second: [second@company.example]}}
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory, provider):
    """A gate that knows where the code of its host is."""
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "dags").mkdir()
    (folder / "dags" / "export.py").write_text("export()")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "export"]):
        committed(folder / "dags", "second@company.example", *command)
    running = Attacked(folder, provider.issuer, more=TOKENS + AUTHORS)
    running.start()
    yield running
    running.stop()


def committed(repository, address, *command):
    """Have git do something in a repository, in the name of an address."""
    identity = ["-c", "user.name=x", "-c", f"user.email={address}"]
    given = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-C", str(repository), *identity, *command]
    return subprocess.run(git, check=True, env=given, capture_output=True, text=True).stdout.strip()


def test_threat_04_a_reviewer_wrote_the_code_of_the_run(gate, person):
    """Neither at the page nor at the host, nor after a commit in somebody else's name on top of it."""
    repository = gate.configuration.file.parent / "dags"
    for commit in (None, ["--allow-empty", "-m", "not me", "--author", "x <reviewer@elsewhere.example>"]):
        if commit is not None:
            committed(repository, "nobody@company.example", "commit", "-q", *commit)
        run = gate.run(code_version=committed(repository, "x@company.example", "rev-parse", "HEAD"))
        document = gate.ask(run=run)
        answer = gate.decide(person("second"), document)
        assert answer.status_code == 403
        assert "is involved" in answer.json()["detail"]
        gate.airflow.park(run, document["question"])
        gate.airflow.answer(run, "second", reason="looks good to me")
        with gate.client() as client:
            assert "is involved" in client.refresh(document["id"])["message"]
        assert gate.still_waits(document)
    assert gate.decide(person("reviewer"), document).json()["state"] == "approved"


def test_threat_05_one_person_in_two_groups_fills_one_slot(gate, person):
    document = gate.ask(destination="regulator")
    reviewer = person("reviewer")
    assert gate.decide(reviewer, document).json()["state"] == "pending"
    assert gate.decide(reviewer, document).status_code == 409
    with gate.client() as client, pytest.raises(StillPending):
        client.release(document["id"])
    assert gate.left(document) == []
    assert gate.decide(person("second"), document).json()["state"] == "approved"


def test_threat_06_data_edited_after_approval(gate, person):
    document = gate.signed(person)
    for path in gate.home.sealed.rglob(f"{document['id']}/**/*.parquet"):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[::-1])
    failed = gate.release(document)
    assert (failed["state"], failed["receipt"], gate.left(document)) == ("failed", None, [])
    assert "not what was signed" in failed["message"] or "not the one" in failed["message"]


def test_threat_07_another_request_than_the_one_that_was_shown(gate, person, waiting):
    other = gate.ask(why="something else")
    shown = person("reviewer").form(other["id"])
    data = shown | {"csrf_token": person("reviewer").form(waiting["id"])["csrf_token"], "verdict": "approve"}
    answer = person("reviewer").http.post(
        f"/requests/{waiting['id']}/decisions",
        data=data | {"reason": "looks fine to me"},
        headers={"Origin": gate.url},
    )
    assert answer.status_code == 409
    assert gate.still_waits(waiting)


def test_threat_08_another_destination_than_the_signed_one(gate, person):
    document = gate.signed(person)
    path = f"requests/{document['id']}/release"
    for more in ({"destination": "regulator"}, {"uri": "/elsewhere"}, {"recipients": ["x"]}):
        assert gate.post(path, {"host": None} | more).status_code == 422
    place = f'{{"id": "regulator", "uri": "{gate.released}/regulator", "trust": "public", "mode": "new_version"}}'
    gate.tamper("UPDATE requests SET destination = :place WHERE id = :id", place=place, id=document["id"])
    answer = gate.post(path, {"host": None})
    assert answer.status_code == 422
    assert "Nothing was released" in answer.json()["detail"]
    assert gate.left(document) == []


def test_threat_09_a_grant_used_again(gate, person):
    document = gate.release(gate.signed(person))
    visible = gate.left(document)
    again = gate.release(document)
    assert again["receipt"] == document["receipt"]
    assert gate.left(document) == visible
    gate.tamper("UPDATE requests SET state = 'approved', version = version + 1 WHERE id = :id", id=document["id"])
    assert gate.post(f"requests/{document['id']}/release", {"host": None}).status_code in {409, 422}
    assert gate.left(document) == visible


def test_threat_10_a_row_that_says_signed_and_a_grant_of_another_key(gate, person, tmp_path):
    document = gate.ask()
    gate.tamper("UPDATE requests SET state = 'approved', version = version + 1 WHERE id = :id", id=document["id"])
    answer = gate.post(f"requests/{document['id']}/release", {"host": None})
    assert answer.status_code == 422
    assert "has no grant" in answer.json()["detail"]
    signed = gate.signed(person)
    with gate.store.read() as work:
        ring = gate.gate._parts.keys.ring(work)
        kept = work.exec_driver_sql("SELECT envelope FROM grants WHERE request = ?", (signed["id"],)).scalar_one()
    forged = sign_grant(grant_of(kept, ring), Signer.create(tmp_path / "own.pem"))
    gate.tamper("UPDATE grants SET envelope = :e WHERE request = :id", e=json.dumps(forged), id=signed["id"])
    assert gate.post(f"requests/{signed['id']}/release", {"host": None}).status_code == 422
    assert gate.left(signed) == gate.left(document) == []


def grant_of(kept, ring) -> Grant:
    return open_envelope(json.loads(kept) if isinstance(kept, str) else kept, ring)


def test_threat_11_a_stolen_gate_key_without_a_live_row(gate, waiting):
    stolen = Signer.load(gate.home.signing_key)
    now = gate.store.clock().now()
    grant = Grant(
        id="g" * 32,
        request=waiting["id"],
        action="export",
        intent_digest=waiting["intent_digest"],
        content_digest=waiting["content_digest"],
        destination="partner",
        destination_digest="sha256:" + "0" * 64,
        host=None,
        decisions=(),
        policy_digest=waiting["policy"]["digest"],
        issued_at=now,
        not_after=now + timedelta(hours=1),
        ledger_size=1,
        ledger_root="00",
    )
    envelope = sign_grant(grant, stolen)
    for body in ({"host": None, "grant": envelope}, envelope):
        assert gate.post(f"requests/{waiting['id']}/release", body).status_code == 422
    assert gate.post(f"requests/{waiting['id']}/release", {"host": None}).status_code == 409
    assert gate.still_waits(waiting)


def test_threat_12_the_waiting_task_was_marked_successful(gate):
    run = gate.run()
    document = gate.ask(run=run)
    gate.airflow.park(run, document["question"])
    gate.airflow.resume(run, "success")
    with gate.client() as client:
        assert client.refresh(document["id"])["state"] == "pending"
        with pytest.raises(StillPending):
            client.release(document["id"], replace(run, task_id="release").as_json())
    assert gate.still_waits(document)


def test_threat_13_the_releasing_task_was_marked_successful(gate, person):
    run = gate.run()
    document = gate.signed(person, run=run)
    gate.airflow.resume(run, "success")
    found = gate.read(document["id"])
    assert (found["state"], found["receipt"], gate.left(document)) == ("approved", None, [])


def test_threat_14_tasks_are_cleared_and_run_again(gate, person):
    run = gate.run()
    document = gate.signed(person, run=run)
    released = gate.release(document, replace(run, task_id="release"))
    visible = gate.left(document)
    gate.airflow.add_run(replace(run, try_number=2), triggered_by=("requester",))
    again = gate.release(document, replace(run, task_id="release", try_number=2))
    assert (again["receipt"], gate.left(document)) == (released["receipt"], visible)
    other = gate.run()
    fresh = gate.ask(run=other)
    assert (fresh["state"], fresh["id"] == document["id"]) == ("pending", False)


def test_threat_15_an_xcom_that_names_the_request_of_another_run(gate, person):
    document = gate.signed(person, run=gate.run())
    for thief in (gate.run().as_json(), None):
        answer = gate.post(f"requests/{document['id']}/release", {"host": thief})
        assert answer.status_code == 403
        assert "belongs to another run" in answer.json()["detail"]
    assert gate.left(document) == []
    assert any("belongs to another run" in refusal for refusal in gate.refusals(document))


def test_threat_16_no_answer_of_the_gate_holds_what_opens_a_destination(gate, waiting):
    """What an author does with credentials of their own is outside; the gate gives them none."""
    with gate.bearer() as http:
        answer = http.get(f"/api/v1/requests/{waiting['id']}")
    assert set(answer.json()["destination"]) == {"id", "uri", "trust", "mode"}
    assert httpx.get(f"{gate.url}/api/v1/requests/{waiting['id']}").status_code == 401
