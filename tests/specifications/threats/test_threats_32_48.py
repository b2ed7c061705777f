"""Threats 32 to 48, but for 34, 35 and 37: places that are not one's own, edited rows, races, fatigue and lies."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pyarrow as pa
import pytest
from server.web.running_gate import Browser
from specifications.threats.attacked import REWRITE, Attacked, edit
from sqlalchemy.exc import IntegrityError

from maskgate.errors import LedgerError, NotFound, Refused, TooMany
from maskgate.ledger import verify
from maskgate.server.ledger_check import must_follow
from maskgate.store import Store
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes


def test_threat_32_a_place_that_is_not_the_requesters(gate, waiting):
    elsewhere = ("../staging", "/etc", "stg_" + "0" * 32, waiting["staging"] + "/..", "file:///etc", "s3://bucket/x")
    for staging in (waiting["staging"], *elsewhere):
        answer = gate.post("requests", {"staging": staging, "destination": "partner"}, token="other")
        assert answer.status_code == 404, staging
    with gate.bearer("other") as http:
        for path in ("customers/part-00009.parquet", "%2e%2e/x"):
            answer = http.put(f"/api/v1/staging/{waiting['staging']}/files/{path}", content=b"x")
            assert answer.status_code == 404, path
    assert gate.still_waits(waiting)


@pytest.fixture
def kept(gate, tmp_path):
    """A copy of the gate's home, and a checkpoint that was kept elsewhere."""
    with gate.client("auditor") as client:
        note = client.checkpoint()["note"]
    (tmp_path / "checkpoint").write_text(note)
    home = type(gate.home)(tmp_path / "home")
    shutil.copytree(gate.home.folder, home.folder, ignore=shutil.ignore_patterns("gate.db*", "sealed"))
    with sqlite3.connect(gate.home.database) as source, sqlite3.connect(home.database) as copy:
        source.backup(copy)
    return home, tmp_path / "checkpoint"


def opened(home):
    return Store.open(home.database)


def test_threat_33_rows_edited_by_hand(gate, person, kept):
    for statement in ("UPDATE ledger SET type = 'x' WHERE seq = 1", "DELETE FROM ledger WHERE seq = 1"):
        with pytest.raises(IntegrityError, match="append-only"), gate.store.write() as work:
            work.exec_driver_sql(statement)
    home, checkpoint = kept
    edit(home, REWRITE)
    store = opened(home)
    with store.read() as work:
        assert verify(work).problems
    with pytest.raises(LedgerError):
        must_follow(home, store, checkpoint)
    store.close()


def test_threat_36_an_approval_and_a_denial_at_once(gate, person):
    document = gate.ask()
    tokens = {name: person(name).csrf_token(document["id"]) for name in ("reviewer", "second")}
    answers = {}

    def decide(name, verdict):
        body = {"verdict": verdict, "reason": "decided at the same time"}
        body |= {each: document[each] for each in ("intent_digest", "context_digest")}
        path = f"/api/v1/requests/{document['id']}/decisions"
        answers[name] = person(name).http.post(path, json=body, headers={"X-CSRF-Token": tokens[name]}).status_code

    threads = [threading.Thread(target=decide, args=each) for each in (("reviewer", "approve"), ("second", "deny"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers.values()) == [200, 409]
    found = gate.read(document["id"])
    assert found["state"] == ("approved" if answers["reviewer"] == 200 else "denied")
    assert len(found["decisions"]) == 1


STRICTER = """\
version: 1
people:
  requester: ["company|requester", "airflow:prod|requester"]
  reviewer: ["company|reviewer"]
  second: ["company|second"]
  outsider: ["company|outsider"]
reviewers: {privacy: {people: [reviewer, second]}}
policies:
  - name: many
    when:
      action: export
      destination: {id: regulator}
      sum: {rows: {at_least: 20}, over: 1d, per: [requester, dataset, destination]}
    require: {slots: {privacy: 2}}
  - {name: few, when: {action: export, destination: {id: regulator}}, require: {slots: {privacy: 1}}}
  - {name: once, when: {action: export}, require: {slots: {privacy: 1}}, cool_down: 2h}
otherwise: refuse
"""
OWNED = """\
tokens: {pipeline: {owner: requester}, other: {role: pipeline, owner: outsider}, auditor: {role: auditor}}
limits: {pending_per_token: 3}
"""


@pytest.fixture(scope="module")
def stricter(tmp_path_factory, provider):
    """A running gate that sums up, pauses after a denial, and lets a token have few requests open."""
    running = Attacked(tmp_path_factory.mktemp("stricter"), provider.issuer, policy=STRICTER, more=OWNED)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def there(stricter, provider):
    """People at that gate, who stay logged in."""
    known: dict[str, Browser] = {}

    def person(subject):
        known[subject] = known.get(subject) or Browser(stricter, provider, subject)
        return known[subject]

    return person


def test_threat_38_an_export_split_into_small_ones(stricter):
    eight = staged_bytes(masked_tables(8), sample_rules())
    asked = [stricter.ask(destination="regulator", files=eight, why=f"part {each}") for each in range(3)]
    assert [each["policy"]["name"] for each in asked] == ["few", "few", "many"]
    assert asked[-1]["requirement"]["missing"] == {"privacy": 2}
    for each in asked:
        assert stricter.post(f"requests/{each['id']}/withdraw", {}).status_code == 200


def test_threat_39_approving_without_looking(gate, person):
    document = gate.ask()
    decided = gate.decide(person("reviewer"), document).json()
    assert decided["decisions"][0]["quick"] or decided["decisions"][0]["unviewed"]
    others = gate.ask()
    form = person("reviewer").form(others["id"])
    assert gate.decide(person("reviewer"), document | {"id": others["id"]}).status_code == 409
    assert form["intent_digest"] == others["intent_digest"] != document["intent_digest"]
    assert gate.still_waits(others)


def test_threat_40_ids_that_are_guessed(gate, waiting, person):
    assert re.fullmatch(r"req_[0-9a-f]{20}", waiting["id"])
    same = set()
    for request in (waiting["id"], "req_" + "0" * 20):
        for path in ("", "/policy"):
            with gate.bearer("other") as http:
                answer = http.get(f"/api/v1/requests/{request}{path}")
            assert answer.status_code == 404
            same.add(answer.json()["detail"].replace(request, "it"))
        assert person("outsider").http.get(f"/requests/{request}").status_code == 404
    assert len(same) == 1


def test_threat_41_a_flood_of_requests(stricter, there):
    run = stricter.run()
    few = [stricter.ask(token="other", destination="regulator", why=f"no {each}") for each in range(2)]
    few.append(stricter.ask(token="other", destination="regulator", run=run))
    with stricter.bearer("other") as http:
        for each in range(10):
            staging = few[0]["staging"]
            asked = {"staging": staging, "destination": "regulator", "action": "publish", "why": f"more {each}"}
            assert http.post("/api/v1/requests", json=asked).status_code in {422, 429}
    with pytest.raises(TooMany):
        stricter.ask(token="other", destination="regulator", why="one more")
    again = stricter.ask(token="other", destination="regulator", run=run)
    assert again["id"] == few[-1]["id"], "the same bytes are no other request"
    with stricter.client("other") as client:
        assert len(client.requests("pending")) == 3
    assert stricter.ask(destination="regulator", why="of somebody else")["state"] == "pending"
    for each in few:
        assert there("reviewer").decide(each["id"], "deny").status_code == 303
    assert stricter.ask(token="other", destination="regulator", why="after these")["state"] == "pending"


def test_threat_42_what_was_denied_is_asked_again_of_a_softer_reviewer(stricter, there):
    five = staged_bytes(masked_tables(5), sample_rules())
    denied = stricter.ask(files=five)
    assert there("reviewer").decide(denied["id"], "deny").status_code == 303
    for token in ("pipeline", "other"):
        again = stricter.ask(token=token, files=five, why="asked in other words")
        assert again["state"] == "refused"
        assert denied["id"] in again["message"]
    elsewhere = stricter.ask(destination="regulator", files=five)
    assert [(each["person"], each["verdict"]) for each in elsewhere["earlier"]][:1] == [("reviewer", "deny")]
    assert "reviewer" in there("second").page(elsewhere["id"])


def test_threat_43_a_reviewer_who_left_the_group(tmp_path, provider):
    provider.user("second", name="Sam Second", groups=["privacy-team"])
    gate = Attacked(tmp_path, provider.issuer)
    gate.start()
    try:
        document = gate.ask()
        provider.user("second", name="Sam Second", groups=[])
        leaver = Browser(gate, provider, "second")
        answer = leaver.http.get(f"/requests/{document['id']}")
        assert answer.status_code == 404 or "csrf" not in answer.text or leaver.form(document["id"]) == {}
        assert gate.still_waits(document)
        leaver.http.close()
    finally:
        provider.user("second", name="Sam Second", groups=["privacy-team"])
        gate.stop()


def test_threat_44_somebody_who_stands_in_without_the_right_to(stricter, there):
    """Neither one who is no reviewer, nor one whom nobody asked, nor along a chain, nor for ever."""
    document = stricter.ask(destination="regulator", why="while one is away")
    away = there("second")
    token = re.search(r'name="csrf-token" content="([0-9a-f]+)"', away.http.get("/delegations").text).group(1)

    def hand_on(to, days=1):
        body = {"delegate": to, "ends_at": (datetime.now(UTC) + timedelta(days=days)).isoformat()}
        return away.http.post("/api/v1/delegations", json=body, headers={"X-CSRF-Token": token})

    assert [hand_on(to).status_code for to in ("outsider", "second", "nobody")] == [403, 403, 403]
    assert hand_on("reviewer", days=31).status_code == 422
    assert there("outsider").http.get(f"/requests/{document['id']}").status_code == 404
    for acting_for in ("second", "outsider"):
        assert stricter.decide(there("reviewer"), document, acting_for=acting_for).status_code == 403
    assert stricter.still_waits(document)
    assert hand_on("reviewer").status_code == 201
    decided = stricter.decide(there("reviewer"), document, acting_for="second").json()
    assert [(each["person"], each["acting_for"]) for each in decided["decisions"]] == [("reviewer", "second")]


def test_threat_45_another_door_to_a_decision(gate, waiting):
    paths = httpx.get(f"{gate.url}/api/openapi.json").json()["paths"]
    assert [path for path in paths if re.search("decide|approve|decision", path)]
    body = {"verdict": "approve", "reason": "as good as signed", "state": "approved"}
    body |= {name: waiting[name] for name in ("intent_digest", "context_digest")}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for tail in ("", "/approve", "/decisions", "/refresh", "/release", "/receipt"):
            with gate.bearer() as http:
                answer = http.request(method, f"/api/v1/requests/{waiting['id']}{tail}", json=body)
            assert answer.status_code in {403, 404, 405, 409, 422}, (method, tail, answer.status_code)
    assert gate.still_waits(waiting)


@pytest.mark.parametrize("end", ["deny", "withdraw"])
def test_threat_46_staged_data_that_stays_behind(gate, person, end):
    document = gate.ask()
    folders = [gate.home.sealed / document["id"], *gate.home.folder.parent.glob(f"staging/{document['staging']}")]
    assert len(folders) == 2
    if end == "deny":
        assert person("reviewer").decide(document["id"], "deny").status_code == 303
    else:
        gate.post(f"requests/{document['id']}/withdraw", {})
    gate.gate.sweep()
    assert [path for path in folders if path.exists()] == []
    types = [entry["type"] for entry in gate.entries() if document["staging"] in str(entry["body"])]
    assert any("deleted" in each for each in types), types


def test_threat_47_unmasked_bytes_with_a_report_that_lies(gate):
    tables = masked_tables()
    raw = pa.array(["ann@example.com", "bob@example.com", "cyd@example.com", "dan@example.com"])
    tables["customers"] = tables["customers"].set_column(2, "country", raw)
    refused = gate.ask(files=staged_bytes(tables, sample_rules()))
    assert refused["state"] == "refused"
    assert "ann@" not in str(refused) + str(gate.entries()[-5:])
    with gate.client() as client, pytest.raises(Refused):
        client.release(refused["id"])
    assert gate.left(refused) == []


def test_threat_48_another_question_shown_for_the_gates_request(gate):
    run = gate.run()
    document = gate.ask(run=run)
    question = document["question"]
    for change in ({"subject": "Order lunch?"}, {"body": question["body"] + " "}, {"options": ("Reject", "Approve")}):
        gate.airflow.park(run, question, **change)
        gate.airflow.answer(run, "reviewer", reason="looks good to me")
        with gate.client() as client:
            assert "differs" in client.refresh(document["id"])["message"]
    assert gate.still_waits(document)
    with gate.client("other") as client, pytest.raises(NotFound):
        client.refresh(document["id"])
