"""A release carried out by hand: copied, then committed, without a gate."""

from __future__ import annotations

from pathlib import Path

from maskgate.release.releaser import DestinationReleaser


def untold(_done, _total):
    """Take progress, and tell nobody."""


def release(order):
    releaser = DestinationReleaser()
    copied = releaser.copy(order, untold)
    releaser.commit(order)
    return copied


def sealed(order):
    return {file.path: Path(order.sealed.folder, file.path).read_bytes() for file in order.sealed.files}
