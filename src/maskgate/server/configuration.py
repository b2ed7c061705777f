"""The gate's configuration, ``gate.yaml``: where things are, and who answers there.

Read strictly, with every problem and its line; a block that this version does not know is refused.
Secrets stand elsewhere and are named by ``env:`` or ``file:``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate.errors import ConfigurationError, UsageError
from maskgate.gate.locations import TABLE, parse_location
from maskgate.gate.model import TRUSTS, Destination, Limits, StagingRoot
from maskgate.notify.webhook import is_safe_address
from maskgate.release.destinations import MODES, NEW_VERSION
from maskgate.release.postgres_table import OPTIONS as TABLE_OPTIONS
from maskgate.rules.strict_yaml import parse
from maskgate.server.configuration_code import read_code
from maskgate.server.configuration_handlers import read_handlers
from maskgate.server.configuration_identity import read_logins, read_tokens
from maskgate.server.configuration_notices import read_ways
from maskgate.server.configuration_section import Problems, Section
from maskgate.server.configuration_signing import Signing, read_signing
from maskgate.server.configuration_sources import read_sources
from maskgate.server.configuration_wrapping import read_wrapping_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.authors import CodeRepository
    from maskgate.gate.notifier import Notifier
    from maskgate.gate.sources import Source
    from maskgate.gate.tokens import TokenHolder
    from maskgate.server.login_provider import LoginProvider

_HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class HostInstance:
    """One orchestrator, and the gate's own account there.

    Attributes:
        id: What accounts and requests call it.
        url: Where its API is.
        username: The gate's account; empty if it needs none.
        password: Of that account.
        api_key: Instead of an account, where the host knows such keys.
        code: The repository of its code, where the gate can read one.
    """

    id: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    code: CodeRepository | None = None


@dataclass(frozen=True)
class Configuration:
    """What ``gate.yaml`` says.

    Attributes:
        file: The file itself.
        url: Where people reach the gate.
        listen: Host and port to listen at.
        policy: The policy file.
        rules: Rules files to register at the first start.
        staging: Staging roots by id; the first is the default.
        destinations: Destinations by id.
        airflow: Airflow instances by id.
        prefect: Prefect servers by id.
        login: Identity providers by id.
        slack: The incoming webhook, or none.
        tokens: Whose each token is, by its name.
        limits: How much one request may use.
        sealed: Where the gate's own copies are, if not in its home: a folder that several gates share.
        signing: Where its signing key is.
        ways: Ways of telling people.
        own_code: The repository of policy and rules, where the gate can read one.
        handlers: What carries out actions that release no staged files, by verb.
        sources: What the releaser masks itself, by id.
        releases_elsewhere: Whether a releaser process holds the credentials, and this gate none.
    """

    file: Path
    url: str
    listen: tuple[str, int]
    policy: Path
    rules: tuple[Path, ...]
    staging: Mapping[str, StagingRoot]
    destinations: Mapping[str, Destination]
    airflow: Mapping[str, HostInstance]
    prefect: Mapping[str, HostInstance]
    login: Mapping[str, LoginProvider]
    slack: str | None = field(repr=False)
    tokens: Mapping[str, TokenHolder]
    limits: Limits
    sealed: Path | None = None
    signing: Signing = field(default_factory=Signing)
    ways: tuple[Notifier, ...] = ()
    own_code: CodeRepository | None = None
    releases_elsewhere: bool = False
    handlers: Mapping[str, ActionHandler] = field(default_factory=dict, repr=False)
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def is_https(self) -> bool:
        """Whether people reach the gate over TLS."""
        return self.url.startswith("https://")


def load_configuration(file: Path) -> Configuration:
    """Read ``gate.yaml``.

    Raises:
        ConfigurationError: With every problem of the file, and the references that lead nowhere.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems = Problems(str(file), file.parent)
        problems.add(f"the configuration cannot be read: {reason}", None)
        raise problems.error() from None
    return read_configuration(text, file)


def read_configuration(text: str, file: Path) -> Configuration:
    """Read the text of a ``gate.yaml``; paths in it start from the file's folder.

    Raises:
        ConfigurationError: With every problem.
    """
    problems = Problems(str(file), file.absolute().parent)
    root = Section(problems, parse(text, str(file), ConfigurationError), "", _BLOCKS)
    root.required("version", "url", "policy", "staging", "destinations")
    if root.integer("version", 1) != 1:
        root.problem("version", "is not one that this Maskgate knows. Write `version: 1`")
    url = root.url("url", "http://127.0.0.1:8470")
    policy = root.path("policy", "policy.yaml")
    is_elsewhere = root.choice("releaser", ("here", "process"), default="here") == "process"
    configuration = Configuration(
        file=file,
        url=url,
        listen=_listen(root, url),
        policy=policy,
        rules=tuple(problems.base / name for name in root.strings("rules")),
        staging={section.name: _staging(section) for section in root.sections("staging", _STAGING)},
        destinations=read_destinations(root),
        sources=read_sources(root),
        airflow={section.name: _airflow(section) for section in root.sections("airflow", _AIRFLOW)},
        prefect={section.name: _prefect(section) for section in root.sections("prefect", _PREFECT)},
        login=read_logins(root),
        slack=_slack(root),
        tokens=read_tokens(root),
        limits=_limits(root.section("limits", _LIMITS)),
        sealed=root.path("sealed", "") if "sealed" in root else None,
        signing=read_signing(root),
        ways=read_ways(root),
        own_code=read_code(root),
        releases_elsewhere=is_elsewhere,
        handlers=read_handlers(root, has_secrets=not is_elsewhere),
    )
    _check_together(configuration, root)
    problems.finish()
    return configuration


_BLOCKS = (
    "version",
    "url",
    "listen",
    "policy",
    "rules",
    "staging",
    "destinations",
    "sources",
    "airflow",
    "prefect",
    "login",
    "slack",
    "teams",
    "authors",
    "email",
    "tokens",
    "limits",
    "sealed",
    "signing",
    "releaser",
    "handlers",
)
_STAGING = ("uri", "upload_only", "options", "encrypt")
_DESTINATION = ("uri", "trust", "mode", "options", "level", "role")
_AIRFLOW = ("url", "username", "password", "authors")
_PREFECT = ("url", "username", "password", "api_key")
_LIMITS = (
    "seal_seconds",
    "seal_memory_mb",
    "staging_hours",
    "release_bytes_per_second",
    "pending_per_token",
    "stagings_per_token",
)


def _listen(root: Section, url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    if "listen" not in root:
        return parts.hostname or "127.0.0.1", parts.port or usual
    text = root.string("listen")
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        root.problem("listen", "must be HOST:PORT, such as 127.0.0.1:8470")
        return "127.0.0.1", usual
    return host.strip("[]"), int(port)


def _staging(section: Section) -> StagingRoot:
    section.required("uri")
    return StagingRoot(
        id=section.name,
        uri=_place_of_files(section),
        upload_only=section.boolean("upload_only", default=False),
        options=section.options("options"),
        encrypt=read_wrapping_key(section),
    )


def _place_of_files(section: Section) -> str:
    uri = _location(section)
    if uri.startswith(f"{TABLE}:"):
        section.problem("uri", "is a table; files wait in a folder or an object store")
        return ""
    return uri


def read_destinations(root: Section) -> dict[str, Destination]:
    """Read the destinations of a gate or of a releaser."""
    return {section.name: _destination(section) for section in root.sections("destinations", _DESTINATION)}


def _destination(section: Section) -> Destination:
    section.required("uri", "trust")
    return Destination(
        id=section.name,
        uri=_location(section),
        trust=section.choice("trust", TRUSTS, default="external"),
        mode=section.choice("mode", MODES, default=NEW_VERSION),
        options=_options(section),
        level=_level(section),
        role=section.string("role"),
    )


def _options(section: Section) -> dict[str, Any]:
    options = section.options("options")
    unknown = sorted(set(options) - set(TABLE_OPTIONS))
    if unknown and section.string("uri").startswith(f"{TABLE}:"):
        section.problem("options", f"has `{unknown[0]}`, which a table does not know: {', '.join(TABLE_OPTIONS)}")
    return options


def _level(section: Section) -> str:
    level = section.choice("level", ("release", "broker", "mask"), default="release")
    if level == "broker" and not section.string("uri").startswith("s3://"):
        section.problem("level", "can be broker for s3:// alone, where credentials can be cut down to one release")
    if level == "broker" and section.string("mode") not in {"", NEW_VERSION}:
        section.problem("level", f"can be broker with the mode {NEW_VERSION} alone")
    if (level == "broker") != ("role" in section):
        section.problem("role", "is the ARN of the role to assume, and belongs to the level broker")
    return level


def _location(section: Section) -> str:
    text = section.string("uri")
    if not text:
        return ""
    try:
        return parse_location(text if ":" in text else str(section.problems.base / text)).uri
    except UsageError as error:
        section.problem("uri", f"cannot be used: {error}")
        return ""


def _airflow(section: Section) -> HostInstance:
    section.required("url", "username", "password")
    return HostInstance(
        section.name,
        section.url("url", ""),
        username=section.string("username"),
        password=section.secret("password"),
        code=read_code(section),
    )


def _prefect(section: Section) -> HostInstance:
    section.required("url")
    return HostInstance(
        section.name,
        section.url("url", ""),
        username=section.string("username"),
        password=section.secret("password"),
        api_key=section.secret("api_key"),
    )


def _slack(root: Section) -> str | None:
    if "slack" not in root:
        return None
    slack = root.section("slack", ("webhook", "private"))
    slack.required("webhook")
    webhook = slack.secret("webhook")
    if webhook and not is_safe_address(webhook):
        slack.problem("webhook", "must lead to an https URL (http is for this machine alone)")
    return webhook or None


def _limits(section: Section) -> Limits:
    usual = Limits()
    return Limits(
        seal_seconds=section.integer("seal_seconds", usual.seal_seconds),
        seal_memory_mb=section.integer("seal_memory_mb", usual.seal_memory_mb),
        staging_hours=section.integer("staging_hours", usual.staging_hours),
        release_bytes_per_second=section.integer("release_bytes_per_second", 0) or None,
        pending_per_token=section.integer("pending_per_token", usual.pending_per_token),
        stagings_per_token=section.integer("stagings_per_token", usual.stagings_per_token),
    )


def _check_together(configuration: Configuration, root: Section) -> None:
    """What no block can see alone: a destination inside a staging root would let anyone release by writing."""
    for destination in configuration.destinations.values():
        for staging in configuration.staging.values():
            if destination.uri and staging.uri and _overlap(destination.uri, staging.uri):
                root.problem(
                    "destinations", f'"{destination.id}" and the staging root "{staging.id}" lie in each other'
                )
    _check_destinations(configuration, root)
    options = {place.id: place.options for place in configuration.destinations.values()}
    options |= {source.id: source.options for source in configuration.sources.values()}
    for name, credentials in options.items():
        if configuration.releases_elsewhere and credentials:
            root.problem("releaser", f'is `process`, so the options of "{name}" belong to releaser.yaml alone')
    for name, place in _beside_sealed(configuration).items():
        if configuration.sealed is not None and _overlap(str(configuration.sealed), place):
            root.problem("sealed", f"and {name} lie in each other. Nobody but gates may write there")


def _check_destinations(configuration: Configuration, root: Section) -> None:
    """A destination whose releases take each other's place keeps house alone."""
    for one, other in combinations(configuration.destinations.values(), 2):
        if {one.mode, other.mode} != {NEW_VERSION} and one.uri and other.uri and _overlap(one.uri, other.uri):
            root.problem(
                "destinations", f'"{one.id}" and "{other.id}" lie in each other, and not both are {NEW_VERSION}'
            )


def _beside_sealed(configuration: Configuration) -> dict[str, str]:
    staging = {f'the staging root "{each.id}"': each.uri for each in configuration.staging.values() if each.uri}
    return staging | {f'"{each.id}"': each.uri for each in configuration.destinations.values() if each.uri}


def _overlap(one: str, other: str) -> bool:
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def describe(configuration: Configuration) -> dict[str, Any]:
    """Say what is configured, without secrets: for the ledger and for the operator's eyes."""
    return {
        "url": configuration.url,
        "staging": sorted(configuration.staging),
        "destinations": [each.as_json() for each in configuration.destinations.values()],
        "sources": sorted(configuration.sources),
        "hosts": sorted(
            [f"airflow:{name}" for name in configuration.airflow]
            + [f"prefect:{name}" for name in configuration.prefect]
        ),
        "login": {each.id: each.issuer for each in configuration.login.values()},
    }
