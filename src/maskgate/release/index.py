"""What a destination of mode ``replace`` or ``append`` consists of now: its index.

Readers go by it, and by nothing else that lies beside it. A release changes it in one step, by compare-and-set.

* ``replace``: one version, the one that was released last.
* ``append``: every version, all with the same tables and columns.
* Each grant is in it once, so a release that was interrupted finds out whether it was done, also after a later one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.canonical import canonical_bytes
from maskgate.errors import Refused
from maskgate.gate.releaser import VERSIONS

if TYPE_CHECKING:
    from maskgate.gate.releaser import ReleaseOrder

FORMAT = "maskgate-dataset/1"
INDEX = "dataset.json"
REPLACE, APPEND = "replace", "append"
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Index:
    """The index of one destination.

    Attributes:
        mode: ``replace`` or ``append``.
        generation: How often it was changed.
        versions: What the dataset consists of: name, grant, request, digest and files of each.
        schema: Columns and types of each table.
        replaced: Grants and names of versions that are no longer part of it, the last one last.
    """

    mode: str
    generation: int = 0
    versions: tuple[dict[str, Any], ...] = ()
    schema: dict[str, list[list[str]]] | None = None
    replaced: tuple[dict[str, str], ...] = ()

    @property
    def newest(self) -> str | None:
        """The version that came last; None if there is none."""
        return self.versions[-1]["version"] if self.versions else None

    def holds(self, order: ReleaseOrder) -> bool:
        """Whether the order's grant is in it, or was.

        Raises:
            Refused: If it is, with another content than the order's.
        """
        for version in self.versions:
            if version["grant"] == order.grant:
                if version["content_digest"] != order.sealed.content_digest:
                    raise Refused(f'destination "{order.destination.id}": its {INDEX} has another content for this.')
                return True
        return any(each["grant"] == order.grant for each in self.replaced)

    def following(self, order: ReleaseOrder) -> Index:
        """Return the index that it becomes by a release.

        Raises:
            Refused: If the tables or columns of an ``append`` are not those that are there.
        """
        schema = schema_of(order)
        if self.mode == APPEND and self.schema is not None and self.versions and schema != self.schema:
            raise Refused(_other_schema(order, self.schema, schema))
        version = {
            "version": order.version,
            "grant": order.grant,
            "request": order.request,
            "content_digest": order.sealed.content_digest,
            "files": [
                {"path": f"{VERSIONS}/{order.version}/{file.path}", "size": file.size, "sha256": file.sha256}
                for file in order.sealed.files
            ],
        }
        before = self.versions if self.mode == APPEND else ()
        gone = () if self.mode == APPEND else self.versions
        replaced = (*self.replaced, *({"version": each["version"], "grant": each["grant"]} for each in gone))
        return Index(self.mode, self.generation + 1, (*before, version), schema, replaced)

    def as_bytes(self) -> bytes:
        """Write it."""
        return canonical_bytes(
            {
                "format": FORMAT,
                "mode": self.mode,
                "generation": self.generation,
                "versions": list(self.versions),
                "schema": self.schema or {},
                "replaced": list(self.replaced),
            }
        )

    @classmethod
    def read(cls, text: bytes, mode: str, destination: str) -> Index:
        """Read what :meth:`as_bytes` wrote.

        Raises:
            Refused: If it is something else, or of another mode.
        """
        try:
            said = json.loads(text) if len(text) <= _MOST_BYTES else {}
            found = cls(
                {FORMAT: str(said["mode"])}[said["format"]],
                int(said["generation"]),
                tuple(_version(each) for each in said["versions"]),
                dict(said["schema"]),
                tuple(_names(each) for each in said["replaced"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused(
                f'destination "{destination}": its {INDEX} is not one that Maskgate wrote. Nothing was released; '
                "look into who can write there."
            ) from None
        if found.mode != mode:
            raise Refused(
                f'destination "{destination}" was begun with the mode {found.mode}, and is now registered with {mode}. '
                "Register another place for it."
            )
        return found


def schema_of(order: ReleaseOrder) -> dict[str, list[list[str]]]:
    """Return the columns and types of each table of an order."""
    return {table.name: [[name, kind] for name, kind in table.schema] for table in order.sealed.tables}


def _version(said: Any) -> dict[str, Any]:
    return {**_names(said), "request": str(said["request"]), "content_digest": str(said["content_digest"])} | {
        "files": [
            {"path": str(file["path"]), "size": int(file["size"]), "sha256": str(file["sha256"])}
            for file in said["files"]
        ]
    }


def _names(said: Any) -> dict[str, str]:
    return {"version": str(said["version"]), "grant": str(said["grant"])}


def _other_schema(order: ReleaseOrder, there: dict[str, Any], new: dict[str, Any]) -> str:
    tables = [name for name in sorted({*there, *new}) if there.get(name) != new.get(name)]
    return (
        f'destination "{order.destination.id}" takes only what has the same tables and columns as what is there '
        f"(mode append), and these differ: {', '.join(tables)}. Nothing was released; choose another destination."
    )
