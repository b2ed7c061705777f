"""What answers of the REST API look like, as JSON Schema: for clients made from it, and for tests that hold it.

An answer may say more than its schema; it never says less, and never something of another type.
"""

from __future__ import annotations

from typing import Any

from maskgate.gate.lifecycle import State
from maskgate.server.problems import MEDIA_TYPE, problem

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}


def _or_null(type_: str) -> dict[str, Any]:
    return {"type": [type_, "null"]}


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


PROBLEM = _object(
    title=_TEXT, status={"type": "integer", "minimum": 400, "maximum": 599}, detail=_TEXT, code={"pattern": "^[a-z_]+$"}
)
DOCUMENT = _object(
    id=_TEXT,
    state={"enum": [str(state) for state in State]},
    message=_TEXT,
    action=_TEXT,
    resource=_or_null("string"),
    destination=_or_null("object"),
    staging=_or_null("string"),
    level=_TEXT,
    why=_TEXT,
    created_at=_TEXT,
    expires_at=_or_null("string"),
    settled_at=_or_null("string"),
    requester=_object(person=_or_null("string"), account=_or_null("string")),
    involved=_list_of(_TEXT),
    policy=_object(name=_TEXT, digest=_TEXT),
    requirement=_object(slots=_OBJECT, distinct={"type": "integer"}, missing=_OBJECT),
    channels=_list_of(_TEXT),
    intent_digest=_or_null("string"),
    context_digest=_or_null("string"),
    content_digest=_or_null("string"),
    evidence=_OBJECT,
    decisions=_list_of(_object(person=_TEXT, verdict={"enum": ["approve", "deny"]}, reason=_TEXT, channel=_TEXT)),
    refusals=_list_of(_object(at=_TEXT, message=_TEXT)),
    url=_TEXT,
    receipt=_or_null("object"),
)
DOCUMENTS = _object(requests=_list_of(DOCUMENT))
STAGING = _object(id=_TEXT, uri=_or_null("string"), upload={"type": "boolean"}, expires_at=_TEXT)
FILE = _object(path=_TEXT, size={"type": "integer"}, sha256=_TEXT)
ENTRIES = _object(
    entries=_list_of(_object(seq={"type": "integer"}, at=_TEXT, type=_TEXT, body=_OBJECT, leaf_hash=_TEXT))
)
CHECKPOINT = _object(size={"type": "integer"}, root=_TEXT, note=_TEXT, fingerprint=_TEXT)


def answer(schema: dict[str, Any], *statuses: int, description: str = "Done") -> dict[int | str, dict[str, Any]]:
    """Describe an answer, for FastAPI's ``responses``."""
    content = {"application/json": {"schema": schema}}
    return {status: {"description": description, "content": content} for status in statuses or (200,)}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": PROBLEM, "example": problem(status, "…", code)}},
    }
    for status, text, code in (
        (401, "No token and no session", "not_authenticated"),
        (403, "This caller may not", "not_allowed"),
        (404, "No such thing, for this caller", "not_found"),
        (405, "Not by this method", "method_not_allowed"),
        (408, "The body did not come in time", "too_slow"),
        (409, "The state does not permit it", "conflict"),
        (413, "The body is too large", "too_large"),
        (422, "Refused, or not understood", "refused"),
        (429, "This caller keeps as many as it may", "too_many"),
        (502, "The host did not answer the gate", "host_unreachable"),
        (503, "The database did not answer the gate", "database_unreachable"),
    )
}
