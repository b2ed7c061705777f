"""What Maskgate adds to Airflow's pages: a button to the review page, and nothing that decides."""

from __future__ import annotations

from typing import ClassVar

from maskgate_airflow.host_version import AirflowPlugin
from maskgate_airflow.link import ReviewLink


class MaskgatePlugin(AirflowPlugin):
    """Registers the link. It mounts no routes: a plugin's routes are anonymous unless each says otherwise."""

    name = "maskgate"
    operator_extra_links: ClassVar[list[ReviewLink]] = [ReviewLink()]
