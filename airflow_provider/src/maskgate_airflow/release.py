"""Ask the gate to release what was signed. The gate moves the bytes; this task holds no way to the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.approval import carry_out
from maskgate.errors import GateUnreachable, NotFound, Refused, UsageError
from maskgate_airflow.hook import MaskgateHook
from maskgate_airflow.host_version import BaseOperator
from maskgate_airflow.lineage import mirror_release, released_lineage
from maskgate_airflow.link import ReviewLink
from maskgate_airflow.outcomes import airflow_outcomes, with_patience

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from maskgate.gate.client import GateClient
    from maskgate_airflow.host_version import BaseOperatorLink, Context

_RELEASE_SECONDS = 24 * 3600.0
_WHAT_TO_DO = "Nothing was released. Run the approval task of this run, have it signed, then clear this task."


class ReleaseOperator(BaseOperator):
    """Have the gate carry out a signed request, once.

    A task that is cleared and run again gets the stored receipt, and no second copy is made.

    Args:
        request: What :class:`~maskgate_airflow.ApprovalSensor` returned, or a request id.
        arguments: Of an action without staged files: its arguments, as they were signed. They are checked again.
        call: What to call with them, by name, where no handler of the gate carries the action out. That is the level
            *verify*: it does not hold back an author who leaves the sensor out.
        maskgate_conn_id: A connection of type ``maskgate``.

    Returns:
        The receipt: what was written where, with the hash of each file; or how the action ended.
    """

    template_fields: Collection[str] = ("request", "arguments", "maskgate_conn_id")
    operator_extra_links: Sequence[BaseOperatorLink] = (ReviewLink(),)
    ui_color: ClassVar[str] = "#cfe8d5"

    def __init__(
        self,
        *,
        request: str | Mapping[str, Any],
        arguments: Mapping[str, Any] | None = None,
        call: Callable[..., Any] | None = None,
        maskgate_conn_id: str = MaskgateHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**with_patience(kwargs))
        self.request = request
        self.arguments = arguments
        self.call = call
        self.maskgate_conn_id = maskgate_conn_id
        self.review_url = ""
        self.released: dict[str, Any] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask for the release and wait for the receipt."""
        hook = MaskgateHook(self.maskgate_conn_id)
        with airflow_outcomes(context), hook.get_conn() as gate:
            request = _request_id(self.request)
            try:
                host = hook.run_identity(context)
                document = carry_out(gate, request, host=host, arguments=self.arguments, call=self.call)
            except NotFound as error:
                raise NotFound(f"{error}. {_WHAT_TO_DO}") from error
            self.review_url = document["url"]
            document = self._wait(gate, request)
            receipt = document.get("receipt")
            if not receipt or document["state"] != "released":
                raise Refused(f"request {request} is {document['state']}: {document['message']}")
        self.released = document
        self.log.info("%s", document["message"])
        mirror_release(context, self.outlets, document)
        return dict(receipt)

    def _wait(self, gate: GateClient, request: str) -> dict[str, Any]:
        """Wait for the receipt of a release that the gate has begun.

        Raises:
            GateUnreachable: If the gate goes away meanwhile; it finishes by itself when it is back.
        """
        try:
            return gate.wait(request, lambda found: bool(found.get("receipt")), _RELEASE_SECONDS, self._report)
        except GateUnreachable:
            raise GateUnreachable(
                f"the gate at {gate.url} went away while it released request {request}. It finishes the release, or "
                "shows nothing of it, when it is back; the next try of this task fetches the receipt"
            ) from None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002  OpenLineage's signature
        """Describe the released dataset, its columns and that they are masked."""
        return released_lineage(self.released)

    def _report(self, document: Mapping[str, Any]) -> None:
        progress = document.get("progress") or {}
        self.log.info("%s, %s of %s bytes", document["state"], progress.get("done", 0), progress.get("total", 0))


def _request_id(request: Any) -> str:
    found = request.get("request") if isinstance(request, dict) else request
    if not isinstance(found, str) or not found:
        raise UsageError(f"ReleaseOperator got no request id: the approval task has not returned one. {_WHAT_TO_DO}")
    return found
