"""Hold a run until someone else has signed.

The task asks the gate, parks under *Required Actions* with the question that the gate renders, and when it resumes it
tells the gate only *that* something happened. What was answered, by whom and to which question, the gate reads from
Airflow itself. This task decides nothing, and what it returns is an id.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.errors import GateUnreachable, Refused, UsageError
from maskgate.gate.host_asking import ask_for_signature, is_about_staging
from maskgate.gate.how_it_ended import how_it_ended
from maskgate.gate.why_waiting import why_waiting
from maskgate_airflow.hook import MaskgateHook
from maskgate_airflow.host_version import HITLOperator, Param, ParamsDict, TaskAwaitingInput, upsert_hitl_detail
from maskgate_airflow.link import ReviewLink
from maskgate_airflow.outcomes import airflow_outcomes, with_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Never

    from maskgate.gate.client import GateClient
    from maskgate_airflow.host_version import BaseOperatorLink, Context

# The gate's own expiry comes first and wakes the task; Airflow's time-out is for a gate that is gone.
_GRACE = timedelta(minutes=2)
_SEALING_SECONDS = 3600.0
_RIDE_OUT_SECONDS = 120.0
_SIGNED = frozenset({"approved", "releasing", "released"})
_RENDERED_BY_THE_GATE = ("subject", "body", "options", "defaults", "multiple", "params", "assigned_users")
_OF_SENSORS = frozenset(
    {"deferrable", "mode", "poke_interval", "timeout", "soft_fail", "silent_fail", "exponential_backoff", "max_wait"}
)


class ApprovalSensor(HITLOperator):
    """Ask for a signature and wait for it, without a worker slot: on data that goes somewhere, or on an action.

    Args:
        staging: What :class:`~maskgate_airflow.AnonymizeOperator` returned, or its staging id.
        source: Instead of a staging, the id of a source that is registered at the gate. The releaser masks it, with
            keys that it alone has (level *mask*); nothing of it passes the worker.
        tables: Of a source, these tables alone; by default all.
        destination: The id of a destination that is registered at the gate.
        action: What is to be signed.
        resource: Of an action without staged files, such as ``rotate-key``: what it is about, instead of ``staging``
            and ``destination``.
        arguments: Of such an action, every argument that matters, as JSON values.
        why: A sentence for the reviewer, shown as written by the requester.
        requesters: People or accounts that also had a hand in this; their signatures count only beside those of
            others. The gate itself finds out who triggered or cleared the run, and they may not sign.
        maskgate_conn_id: A connection of type ``maskgate``.

    Returns:
        ``{"request": id}``, for :class:`~maskgate_airflow.ReleaseOperator`.
    """

    template_fields: Collection[str] = (
        *("staging", "source", "tables", "destination", "action", "resource", "arguments", "why", "requesters"),
        "maskgate_conn_id",
    )
    operator_extra_links: Sequence[BaseOperatorLink] = (ReviewLink(),)
    ui_color: ClassVar[str] = "#f4e3c1"

    def __init__(
        self,
        *,
        staging: str | Mapping[str, Any] | None = None,
        source: str | None = None,
        tables: Sequence[str] = (),
        destination: str | None = None,
        action: str = "export",
        resource: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        why: str = "",
        requesters: Sequence[str] = (),
        maskgate_conn_id: str = MaskgateHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        for name in (*_RENDERED_BY_THE_GATE, "response_timeout"):
            if kwargs.get(name):
                raise UsageError(
                    f"ApprovalSensor has no argument {name!r}: the gate renders the question, and its policy says how "
                    "long a request stays open"
                )
            kwargs.pop(name, None)
        for name in sorted(_OF_SENSORS & kwargs.keys()):
            raise UsageError(
                f"ApprovalSensor has no argument {name!r}: it does not poke. It parks, without a worker slot or a "
                "trigger, until the gate wakes it; a request that nobody signs fails the task and never skips it"
            )
        super().__init__(
            subject="The gate is reading what is to be signed", options=["Approve", "Reject"], **with_patience(kwargs)
        )
        self.staging = staging
        self.source = source
        self.tables = tables
        self.destination = destination
        self.action = action
        self.resource = resource
        self.arguments = arguments
        self.why = why
        self.requesters = requesters
        self.maskgate_conn_id = maskgate_conn_id
        self.review_url = ""

    def execute(self, context: Context) -> dict[str, str]:
        """Ask the gate, wait until it has read the files, or its releaser has masked the source, and park."""
        hook = MaskgateHook(self.maskgate_conn_id)
        with airflow_outcomes(context), hook.get_conn() as gate:
            asked = self._ask(gate, hook.run_identity(context))
            self.log.info("request %s: %s", asked["id"], asked["url"])
            if asked.get("note"):
                self.log.info("%s", asked["note"])
            document = gate.wait(asked["id"], lambda found: found["state"] != "sealing", _SEALING_SECONDS, self._report)
            return self._proceed(document, context, tell=True)

    def _ask(self, gate: GateClient, host: dict[str, Any]) -> dict[str, Any]:
        return ask_for_signature(
            gate,
            action=self.action,
            staging=_staging_id(self.staging) if is_about_staging(self.source, self.resource) else self.staging,
            source=self.source,
            tables=self.tables,
            destination=self.destination,
            resource=self.resource,
            arguments=self.arguments,
            why=self.why,
            host=host,
            requesters=list(self.requesters or ()),
        )

    def execute_complete(self, context: Context, event: Mapping[str, Any], request: str = "") -> dict[str, str]:
        """Tell the gate that something happened, and go by what the gate then says."""
        if event.get("error_type") == "timeout":
            self.log.warning("Airflow waited longer than the request may stay open")
        with airflow_outcomes(context), MaskgateHook(self.maskgate_conn_id).get_conn() as gate:
            document = self._ride_out(lambda: gate.refresh(request))
            if document["state"] == "pending" and "error" in event:
                raise Refused(
                    f"nobody signed request {request} in time. Nothing was released; run the DAG again to ask"
                )
            return self._proceed(document, context, tell=False)

    def _proceed(self, document: Mapping[str, Any], context: Context, *, tell: bool) -> dict[str, str]:
        """Return if it is signed, fail if it is refused, park otherwise.

        Raises:
            Refused: If the request is settled, and not by a signature.
        """
        self._show(document, context)
        if document["state"] in _SIGNED:
            return {"request": document["id"]}
        if document["state"] == "pending":
            for line in why_waiting(document):
                self.log.info("%s", line)
            for refusal in document.get("refusals") or ():
                self.log.warning("%s: %s", refusal["at"], refusal["message"])
            self._park(document, context, tell=tell)
        raise Refused(how_it_ended(document))

    def _park(self, document: Mapping[str, Any], context: Context, *, tell: bool) -> Never:
        """Show the gate's question under *Required Actions*, exactly as the gate rendered it.

        Not by the parent's ``execute``: Airflow may forbid that to a task that resumes.
        """
        question = document["question"]
        self.subject, self.body, self.options = question["subject"], question["body"], list(question["options"])
        self.defaults, self.multiple, self.assigned_users = None, False, None
        self.params = ParamsDict({name: Param(**_field(field)) for name, field in question["params"].items()})
        self.response_timeout = _time_left(document["expires_at"]) + _GRACE
        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            multiple=self.multiple,
            params=self.serialized_params,
        )
        for notifier in self.notifiers if tell else ():
            notifier(context)
        raise TaskAwaitingInput(
            method_name="execute_complete", kwargs={"request": document["id"]}, timeout=self.response_timeout
        )

    def _ride_out(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Ask a gate that is being restarted for a while: a retry of the task would ask the reviewer again."""
        deadline, pause = time.monotonic() + _RIDE_OUT_SECONDS, 1.0
        while True:
            try:
                return ask()
            except GateUnreachable as error:
                if time.monotonic() + pause > deadline:
                    raise
                self.log.warning("%s (again in %.0f s)", error, pause)
            time.sleep(pause)
            pause = min(pause * 2, 15.0)

    def _report(self, document: Mapping[str, Any]) -> None:
        progress = document.get("progress") or {}
        of_what = "bytes read" if self.source is None else "masked or read"
        self.log.info("%s, %s of %s %s", document["state"], progress.get("done", 0), progress.get("total", 0), of_what)

    def _show(self, document: Mapping[str, Any], context: Context) -> None:
        self.review_url = document["url"]
        context["ti"].xcom_push(key=ReviewLink().xcom_key, value=self.review_url)
        self.log.info("request %s is %s: %s", document["id"], document["state"], document["message"])


def _staging_id(staging: Any) -> str:
    found = staging.get("staging") if isinstance(staging, dict) else staging
    if not isinstance(found, str) or not found:
        raise UsageError(
            "ApprovalSensor got no staging id. Pass what AnonymizeOperator or @task.anonymize returned, such as "
            "staging=mask.output, or name a source="
        )
    return found


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {"default": field["value"], "description": field["description"], "schema": field["schema"]}


def _time_left(expires_at: str) -> timedelta:
    return max(datetime.fromisoformat(expires_at) - datetime.now(UTC), timedelta(0))
