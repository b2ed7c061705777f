"""Seeing the page of a request. A view decides nothing; the first one of each person is kept, and is an entry.

What is seen before the request is sealed does not count, because there is nothing to read yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.circumstances import first_view
from maskgate.gate.parts import active_policy
from maskgate.gate.request import get_request, no_such_request
from maskgate.gate.visibility import is_concerned
from maskgate.store import tables

if TYPE_CHECKING:
    from maskgate.gate.model import Identity
    from maskgate.gate.parts import Parts


def note_view(parts: Parts, request_id: str, identity: Identity) -> None:
    """Keep that somebody concerned sees the page of a request, if it is for the first time.

    Raises:
        NotFound: If there is no such request, or they are not concerned.
    """
    with parts.store.read() as work:
        request, policy = get_request(work, request_id), active_policy(work)
        if not is_concerned(request, identity, policy):
            raise no_such_request(request_id)
        person = policy.people.person_of(identity.accounts)
        if person is None or request.intent_digest is None or first_view(work, request_id, person) is not None:
            return
    with parts.store.write() as work:
        if first_view(work, request_id, person) is None:
            seen = {"request": request_id, "person": person, "seen_at": parts.clock.now()}
            work.execute(tables.views.insert().values(seen))
            parts.record(work, "page.viewed", request, person=person, accounts=list(identity.accounts))
