"""A releaser that is cut off while it publishes, and afterwards cannot tell whether it did."""

from __future__ import annotations

from maskgate.release.releaser import DestinationReleaser


class PowerCut(BaseException):
    """The process is gone."""


class Fog(DestinationReleaser):
    """The real releaser, with a destination that lies in fog at times.

    Attributes:
        is_thick: Whether it cannot tell what is at the destination.
        breaks_at_commit: Whether the power fails at the next commit.
    """

    is_thick = False
    breaks_at_commit = False

    def probe(self, order):
        return "unknown" if self.is_thick else super().probe(order)

    def commit(self, order):
        if self.breaks_at_commit:
            self.breaks_at_commit = False
            raise PowerCut
        super().commit(order)
