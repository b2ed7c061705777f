"""Who cleared a run since it asked, read from its host at the moment of a decision.

* Whoever did is involved from then on: they cannot sign any more, and what they signed before does not count.
* What the host does not say is a refusal of the approval, not of the request. A denial waits for no host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed
from maskgate.gate.involvement import CLEARED, added_to, involved_later
from maskgate.gate.lifecycle import State
from maskgate.gate.parts import active_policy
from maskgate.gate.request import change_request, get_request

if TYPE_CHECKING:
    from maskgate.gate.host import HostRun
    from maskgate.gate.model import DecisionInput
    from maskgate.gate.parts import Parts
    from maskgate.gate.request import Request
    from maskgate.store import Work

_TWO = 2


def run_to_look_at(request: Request, decision: DecisionInput) -> HostRun | None:
    """Return the run of which the host has to be asked again before a decision counts; None if there is none."""
    is_waiting = request.state is State.PENDING and decision.verdict == "approve"
    return request.host if is_waiting and request.host is not None and request.host.parks else None


def note_clears(parts: Parts, request_id: str, run: HostRun) -> None:
    """Read who cleared a run, and keep whoever is new to it as involved.

    Raises:
        NotAllowed: If that is nobody in the policy; or somebody unknown, and one person could sign.
        HostUnreachable: If the host does not answer.
    """
    if run.host not in parts.hosts:
        raise NotAllowed(f"{run.host} is no longer in the gate's configuration, so who cleared the run is not known.")
    clears = parts.hosts[run.host].read_clears(run)
    with parts.store.write() as work:
        request = get_request(work, request_id)
        if clears.unseen and request.requirement.distinct < _TWO:
            raise NotAllowed(
                f"tasks of the run were cleared since they ran, and {run.host} does not say by whom, so it may have "
                "been you. Start a new run, or clear this one by itself."
            )
        involve_later(parts, work, request, clears.by)


def involve_later(parts: Parts, work: Work, request: Request, cleared_by: tuple[tuple[str, ...], ...]) -> Request:
    """Keep whoever cleared a run after it had asked. What is signed stays as it is; fewer people may sign it.

    Raises:
        NotAllowed: If that is nobody in the policy.
    """
    later = involved_later(active_policy(work), cleared_by, request.involved)
    if not later or request.is_settled:
        return request
    involvement = added_to(request.involvement, later, CLEARED)
    after = change_request(work, request, involved=tuple(sorted({*request.involved, *later})), involvement=involvement)
    parts.record(work, "request.involved", after, added=sorted(later), because=CLEARED)
    return after
