"""The button that leads from a task to the gate's review page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate_airflow.host_version import BaseOperatorLink

if TYPE_CHECKING:
    from maskgate_airflow.host_version import BaseOperator


class ReviewLink(BaseOperatorLink):
    """Opens the request on the gate. The link carries no authority: whoever follows it logs in there."""

    name = "Maskgate review"

    @property
    def xcom_key(self) -> str:
        """The XCom in which the worker leaves the address."""
        return "maskgate_review"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow's signature
        """Say where the request of this task is."""
        return str(getattr(operator, "review_url", "") or "")
