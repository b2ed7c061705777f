"""What people with passkeys do at the gate's pages."""

from __future__ import annotations

import html
import json
import re

from server.web.forms import hidden_fields

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
  second: ["company|second"]
reviewers:
  privacy: {people: [reviewer, second]}
policies:
  - name: signed with a passkey
    when: {action: export, destination: {id: partner}}
    require: {slots: {privacy: 1}}
    reason: {min_length: 10}
    passkey: required
  - name: usual
    when: {action: export, destination: {id: regulator}}
    require: {slots: {privacy: 1}}
otherwise: refuse
"""


def posted(person, path, **fields):
    return person.http.post(path, data=fields, headers={"Origin": person.gate.url})


def begun(person):
    """Press the button that adds a passkey; return the form that comes, and what the browser is asked."""
    token = hidden_fields(person.http.get("/passkeys").text, "/passkeys/new")
    page = posted(person, "/passkeys/new", **token)
    assert page.status_code == 200, page.text
    return hidden_fields(page.text, "/passkeys"), options_of(page.text)


def enrolled(person, device, *, name="laptop", **client):
    fields, options = begun(person)
    return posted(person, "/passkeys", **fields | {"name": name, "passkey": json.dumps(device.make(options, **client))})


def options_of(page):
    return json.loads(html.unescape(re.search(r'data-passkey="([^"]+)"', page).group(1)))


def prepared(person, request, **changes):
    """Approve on the page; return the form that asks for the signature, and what the browser is asked."""
    page = person.decide(request["id"], **changes)
    assert page.status_code == 200, page.text
    return hidden_fields(page.text, f"/requests/{request['id']}/decisions"), options_of(page.text)


def signed(person, request, device, **client):
    fields, options = prepared(person, request)
    answer = json.dumps(device.sign(options, **client))
    return posted(person, f"/requests/{request['id']}/decisions", **fields | {"passkey": answer})


def over_rest(person, request, device, body):
    path, headers = f"/api/v1/requests/{request['id']}/decisions", {"X-CSRF-Token": person.csrf_token(request["id"])}
    asked = person.http.post(f"{path}/passkey", json=body, headers=headers).json()
    passkey = {"nonce": asked["nonce"], "credential": device.sign(asked["options"])}
    return person.http.post(path, json=body | {"passkey": passkey}, headers=headers)


def bodies(gate, kind, request=None):
    found = [entry["body"] for entry in gate.entries() if entry["body"]["type"] == kind]
    return [body for body in found if request is None or body.get("request") == request["id"]]


def untouched(gate, request):
    document = gate.read(request["id"])
    return (document["state"], document["decisions"]) == ("pending", [])
