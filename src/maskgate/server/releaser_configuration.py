"""``releaser.yaml``: what a releaser process holds. Nothing of it comes from the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.errors import ConfigurationError
from maskgate.notify.webhook import is_safe_address
from maskgate.rules.strict_yaml import parse
from maskgate.server.configuration import read_destinations
from maskgate.server.configuration_handlers import read_handlers
from maskgate.server.configuration_section import Problems, Section
from maskgate.server.configuration_sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.model import Destination
    from maskgate.gate.sources import Source

_BLOCKS = (
    "version",
    "gate",
    "token",
    "ring",
    "state",
    "sealed",
    "destinations",
    "sources",
    "handlers",
    "release_bytes_per_second",
)


@dataclass(frozen=True)
class ReleaserConfiguration:
    """What ``releaser.yaml`` says.

    Attributes:
        gate: The gate's address.
        token: A token of the role releaser.
        ring: The file of the pinned ring.
        state: A folder of the releaser alone.
        destinations: Destinations by id, with credentials.
        sources: Sources by id, with credentials; the keys are what their rules refer to.
        handlers: What carries out actions, by verb, with credentials.
        sealed: The gate's folder of sealed copies, if it can be read here.
        bytes_per_second: Throttle; None for none.
    """

    gate: str
    token: str = field(repr=False)
    ring: Path
    state: Path
    destinations: Mapping[str, Destination]
    sources: Mapping[str, Source]
    handlers: Mapping[str, ActionHandler] = field(repr=False)
    sealed: Path | None
    bytes_per_second: int | None


def load_releaser(file: Path) -> ReleaserConfiguration:
    """Read ``releaser.yaml``.

    Raises:
        ConfigurationError: With every problem of the file, and the references that lead nowhere.
    """
    problems = Problems(str(file), file.absolute().parent)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.add(f"the configuration cannot be read: {reason}", None)
        raise problems.error() from None
    root = Section(problems, parse(text, str(file), ConfigurationError), "", _BLOCKS)
    root.required("version", "gate", "token", "ring", "state", "destinations")
    if root.integer("version", 1) != 1:
        root.problem("version", "is not one that this Maskgate knows. Write `version: 1`")
    gate = root.url("gate", "http://127.0.0.1:8470")
    if "gate" in root and not is_safe_address(gate):
        root.problem("gate", "must be an https URL (http is for this machine alone): the token goes there")
    found = ReleaserConfiguration(
        gate=gate,
        token=root.secret("token"),
        ring=root.path("ring", "ring.json"),
        state=root.path("state", "state"),
        destinations=read_destinations(root),
        sources=read_sources(root, is_of_gate=False),
        handlers=read_handlers(root),
        sealed=root.path("sealed", "") if "sealed" in root else None,
        bytes_per_second=root.integer("release_bytes_per_second", 0) or None,
    )
    problems.finish()
    return found
