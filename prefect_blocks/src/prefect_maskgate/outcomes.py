"""Our errors, as outcomes of Prefect's runs.

* The gate did not answer: nothing has been decided or released, so the task is tried again with back-off, and then
  fails closed.
* Everything else that Maskgate says fails at once and for good; asking again would bring the same answer.
* The message of the failed state is Maskgate's own. It says what to do, and holds no value of the data.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from maskgate.errors import GateUnreachable, StillPending
from prefect_maskgate.host_version import TaskRunContext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.client import GateClient

Document = dict[str, Any]
Answer = TypeVar("Answer")

RIDE_OUT_SECONDS = 600.0
_LONGEST_PAUSE = 15.0
_SLICE_SECONDS = 60.0


def is_worth_another_try(task: Any, task_run: Any, state: Any) -> bool:  # noqa: ARG001  Prefect's signature
    """Say whether a failed task may succeed if it is simply run again."""
    return isinstance(state.result(raise_on_failure=False), GateUnreachable)


# For @task; a flow changes it by `release.with_options(retries=…)`.
PATIENCE: Mapping[str, Any] = MappingProxyType(
    {"retries": 5, "retry_delay_seconds": [2, 5, 10, 30, 60], "retry_condition_fn": is_worth_another_try}
)


def closed(error: GateUnreachable) -> GateUnreachable:
    """Say what happens now that the gate did not answer a task."""
    context = TaskRunContext.get()
    sentence = str(error).rstrip(".")
    if context is None:
        return error
    tried, tries = context.task_run.run_count, context.task.retries + 1
    if tried < tries:
        return GateUnreachable(f"{sentence}. This was try {tried} of {tries}; Prefect tries again by itself")
    return GateUnreachable(
        f"{sentence}. This was the last of {tries} tries, and the task fails closed: it released nothing. Start the "
        "gate, then retry the flow run"
    )


def ride_out(ask: Callable[[], Answer], seconds: float, log: Any) -> Answer:
    """Ask a gate that is away for a while again and again, for flow bodies that Prefect cannot retry in part.

    Args:
        ask: What to ask. If it raises :class:`StillPending`, the gate was there, and it is asked on.
        seconds: How long the gate may be away at a stretch.
        log: Told of each try in vain.

    Raises:
        GateUnreachable: If the gate stays away for longer.
    """
    gone_since, pause = None, 1.0
    while True:
        try:
            return ask()
        except StillPending:
            gone_since, pause = None, 1.0
            continue
        except GateUnreachable as error:
            now = time.monotonic()
            gone_since = now if gone_since is None else gone_since
            if now + pause - gone_since > seconds:
                raise GateUnreachable(
                    f"{str(error).rstrip('.')}. It stayed away for {seconds:.0f} s, and the flow fails closed: nothing "
                    "was released. Start the gate, then retry the flow run; it finds its request again"
                ) from None
            log.warning("%s (again in %.0f s)", error, pause)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def follow(
    client: GateClient, request: str, until: Callable[[Document], bool], report: Callable[[Document], None]
) -> Callable[[], Document]:
    """Return a question for :func:`ride_out`: the request, once it is as wanted or settled."""
    return lambda: client.wait(request, until, _SLICE_SECONDS, report)
