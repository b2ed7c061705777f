"""The gate's values: where data waits and goes, what was sealed, who asks, who decides.

Plain frozen dataclasses that go through JSON unchanged. None holds a cell of the data.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.host import HostRun
    from maskgate.gate.staging_cipher import StagingKey
    from maskgate.keys import Key

TRUSTS = ("internal", "external", "public")
CHANNELS = ("web", "airflow", "slack")
# A group claim says who was in the group when the person logged in.
GROUPS_ARE_FRESH = timedelta(minutes=60)
LEVELS = ("verify", "broker", "release", "mask")


@dataclass(frozen=True)
class StagingRoot:
    """A registered place under which masked files wait.

    Attributes:
        id: What the configuration calls it.
        uri: A local folder or an fsspec URI.
        upload_only: Clients are not told the URI; files go up over HTTP.
        encrypt: The key that wraps the key of each staging; None if files lie there as they come.
        options: Storage options for fsspec; they may hold secrets.
    """

    id: str
    uri: str
    upload_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    encrypt: Key | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Destination:
    """A registered place that data may be released to.

    Attributes:
        id: What the configuration calls it, and what requests name.
        uri: A local folder or an fsspec URI.
        trust: ``internal``, ``external`` or ``public``.
        mode: ``new_version``: every release is a new folder; ``replace``; ``append``.
        options: Storage options for fsspec; they may hold secrets.
        level: ``release``; ``broker``: whoever asked writes there, with a credential for one release; or ``mask``: only
            what the releaser has masked itself goes there.
        role: The role of that credential.
    """

    id: str
    uri: str
    trust: str
    mode: str = "new_version"
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    level: str = "release"
    role: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what may be shown: everything but the options."""
        shown = {"id": self.id, "uri": self.uri, "trust": self.trust, "mode": self.mode}
        # Only where it says more than it used to, so that digests of what was signed before stay what they are.
        return shown if self.level == "release" else {**shown, "level": self.level, "role": self.role}


@dataclass(frozen=True)
class SealedFile:
    """One file of the sealed copy; ``path`` is like ``customers/part-00000.parquet``."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class MeasuredColumn:
    """What the gate measured in one column of the sealed bytes, or in one that is inside of a nested one.

    Attributes:
        name: Its path, such as ``email`` or ``contacts[].email``.
        type: Its Arrow type, as text.
        nulls: How many cells are null.
        shape_violations: Cells that do not look like the registered method's output; None if no rule covers it.
        classes: Kinds of direct identifier that the gate sees in the name or the values.
        rule: The path of the registered rule that covers it, as the rules write it; None if none does.
        methods: The methods that its cells may be masked by, as that rule says.
        residual_findings: Cells in which the detectors still find a direct identifier; see ``residual.py``.
    """

    name: str
    type: str
    nulls: int
    shape_violations: int | None = None
    classes: tuple[str, ...] = ()
    rule: str | None = None
    methods: tuple[str, ...] = ()
    residual_findings: int = 0

    @property
    def method(self) -> str | None:
        """The methods in words; None if no rule covers it."""
        return " or ".join(self.methods) or None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MeasuredColumn:
        """Make it of its fields as JSON has them."""
        return cls(**{**value, "classes": tuple(value["classes"]), "methods": tuple(value["methods"])})


@dataclass(frozen=True)
class MeasuredGroups:
    """The groups of rows that share the same quasi-identifiers, as the gate counted them in one table.

    Attributes:
        asked: The quasi-identifiers that the policy names.
        present: Those of them that the table has.
        smallest: The size of the smallest group; None if the table has no rows.
        counted: What was counted: ``rows``, or the column that says whose row it is.
    """

    asked: tuple[str, ...]
    present: tuple[str, ...]
    smallest: int | None
    counted: str = "rows"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MeasuredGroups:
        """Make it of its fields as JSON has them."""
        return cls(tuple(value["asked"]), tuple(value["present"]), value["smallest"], value["counted"])


@dataclass(frozen=True)
class MeasuredTable:
    """What the gate measured in one table of the sealed bytes.

    Attributes:
        name: The table.
        rows: How many there are.
        schema: Name and type of each column of the files.
        columns: Each column of the files that has nothing inside, and each that is inside of another.
        groups: For each list of quasi-identifiers of the policy of which the table has any.
    """

    name: str
    rows: int
    schema: tuple[tuple[str, str], ...]
    columns: tuple[MeasuredColumn, ...]
    groups: tuple[MeasuredGroups, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> MeasuredTable:
        """Make it of its fields as JSON has them."""
        schema = tuple((name, kind) for name, kind in value["schema"])
        columns = tuple(MeasuredColumn.from_json(column) for column in value["columns"])
        groups = tuple(MeasuredGroups.from_json(each) for each in value.get("groups", ()))
        return cls(value["name"], value["rows"], schema, columns, groups)


@dataclass(frozen=True)
class Sealed:
    """The gate's own copy of staged files, hashed and measured.

    Attributes:
        content_digest: Hash of the manifest as the gate read it.
        folder: Where the gate's copy is.
        files: Every file that leaves, in order of path, the manifest last.
        tables: What was measured.
        rules_digest: Digest of the rules that the pipeline says it used.
        key_versions: Version of each key, as declared.
        declared: The pipeline's own report, unverified.
        staged_manifest: SHA-256 of the manifest as it was staged; empty in what was sealed by an earlier version.
        key: What the copy is encrypted by, where the staging is; it is kept wrapped, elsewhere.
    """

    content_digest: str
    folder: str
    files: tuple[SealedFile, ...]
    tables: tuple[MeasuredTable, ...]
    rules_digest: str
    key_versions: Mapping[str, int] = field(default_factory=dict)
    declared: Mapping[str, Any] = field(default_factory=dict)
    staged_manifest: str = ""
    key: StagingKey | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def data_files(self) -> tuple[SealedFile, ...]:
        """The files of its tables: all but the manifest, which the gate writes itself."""
        return self.files[:-1]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        value: dict[str, Any] = json.loads(json.dumps(asdict(replace(self, key=None))))
        del value["key"]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Sealed:
        """Make what :meth:`as_json` wrote."""
        tables = tuple(MeasuredTable.from_json(table) for table in value["tables"])
        files = tuple(SealedFile(**file) for file in value["files"])
        return cls(**{**value, "files": files, "tables": tables})


@dataclass(frozen=True)
class Thresholds:
    """What the policy wants measured figures to be, before anyone is asked.

    Attributes:
        rows_at_least: Rows of every table.
        rows_at_most: Rows of every table.
        k_at_least: How many people, or rows, at least share the same quasi-identifiers, in every table that has any.
        k_over: The quasi-identifiers: paths of columns of the masked data.
        residual_findings_at_most: Cells of all tables in which the detectors still find a direct identifier.
        new_columns_at_most: Columns that the last release of the same dataset there did not have.
        no_value_survives: Columns of the originals of which the releaser, where it masks itself, has to have found no
            value in what came out.
    """

    rows_at_least: int | None = None
    rows_at_most: int | None = None
    k_at_least: int | None = None
    k_over: tuple[str, ...] = ()
    residual_findings_at_most: int | None = None
    new_columns_at_most: int | None = None
    no_value_survives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Floor:
    """What may happen to columns that the gate itself classifies as direct identifiers.

    Attributes:
        direct_identifier: Methods that suffice; None if the policy sets no floor.
    """

    direct_identifier: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Limits:
    """How much one request may use, and how much one token may keep open.

    Attributes:
        seal_seconds: Processor seconds for measuring.
        seal_memory_mb: Memory for measuring.
        staging_hours: How long staged files wait for a request.
        release_bytes_per_second: Throttle for releases; None for none.
        pending_per_token: Requests of one token that may wait at once.
        stagings_per_token: Stagings of one token that may exist at once.
    """

    seal_seconds: int = 900
    seal_memory_mb: int = 2048
    staging_hours: int = 24
    release_bytes_per_second: int | None = None
    pending_per_token: int = 100
    stagings_per_token: int = 1000


@dataclass(frozen=True)
class Identity:
    """Who a channel says is there, by issuer and stable subject, never by display name.

    Attributes:
        accounts: Accounts of this one login, such as ``okta|00u1``; Airflow gives one by id and one by name.
        channel: ``web``, ``airflow`` or ``slack``.
        groups: Group claims of the identity provider.
        authenticated_at: When the person last proved who they are, as the identity provider says; None if it does not.
        groups_at: When the identity provider said which groups; if None, when the person proved who they are.
        groups_fresh: How long what it said of groups counts.
        groups_missing: Why nothing is known of groups, in a sentence.
        methods: How the person proved it (``amr``), as the identity provider says.
        context_class: How sure that is (``acr``), likewise.
    """

    accounts: tuple[str, ...]
    channel: str
    groups: tuple[str, ...] = ()
    authenticated_at: datetime | None = None
    groups_at: datetime | None = None
    groups_fresh: timedelta = GROUPS_ARE_FRESH
    groups_missing: str = ""
    methods: tuple[str, ...] = ()
    context_class: str | None = None


@dataclass(frozen=True)
class Caller:
    """Who calls a verb of the gate: the bearer of a token, or a person with a session.

    Attributes:
        role: ``pipeline``, ``auditor`` or ``person``.
        token: The token's name, such as ``pipeline``; requests belong to it. None for a person.
        identity: The session's identity; None for a token.
    """

    role: str
    token: str | None = None
    identity: Identity | None = None


@dataclass(frozen=True)
class DecisionInput:
    """A decision as a channel brings it to the only door."""

    identity: Identity
    verdict: str
    reason: str
    intent_digest: str
    context_digest: str
    acting_for: str | None = None
    standing: str | None = None
    batch: str | None = None
    break_glass: BreakGlassInput | None = None
    passkey: PasskeyAnswer | None = None


@dataclass(frozen=True)
class PasskeyAnswer:
    """A passkey's signature over a decision, as a browser brings it.

    Attributes:
        nonce: Of the statement that it signed.
        credential: The answer of the authenticator, as WebAuthn writes it in JSON.
    """

    nonce: str
    credential: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class BreakGlassInput:
    """What somebody says who goes without the usual signatures; the reason is the decision's.

    Attributes:
        ticket: The incident that it belongs to.
    """

    ticket: str


@dataclass(frozen=True)
class RequestInput:
    """What a caller may say when asking. Requesters have a hand in it, as the caller says; see ``involvement.py``.

    With a `source`, the releaser masks it, and the gate itself chooses `staging` and `level`; `tables` are all of the
    source's if none is named, and `rules` is a digest that the source's have to have.
    """

    staging: str
    destination: str
    action: str = "export"
    why: str = ""
    host: HostRun | None = None
    requesters: tuple[str, ...] = ()
    source: str | None = None
    tables: tuple[str, ...] = ()
    rules: str = ""
    level: str | None = None


def destination_digest(destination: Destination) -> str:
    """Hash where a destination leads, so that a changed registration does not keep an old grant."""
    return digest("destination", destination.as_json())
