"""The process that a plugin's method works in: ``python -m maskgate.masking.plugin_child FD``.

It gets a rule over one socket and says when it has made its method; then it gets rows, and answers each portion with
rows or with a few words. It ends with the socket.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

from maskgate.errors import MaskgateError
from maskgate.masking.plugin_rows import rows_from_bytes, rows_to_bytes
from maskgate.methods.method import Domain, Surroundings
from maskgate.rules.rule import ColumnRule

if TYPE_CHECKING:
    from maskgate.keys import Key
    from maskgate.methods.method import Method


@dataclass(frozen=True)
class LentKey:
    """A key whose bytes are in the other process, which derives subkeys of it; otherwise it is used as a ``Key``.

    Attributes:
        name: What the rules file calls it.
        version: The number of this version.
        versions: Every version that is there, newest first.
    """

    connection: Connection
    name: str
    version: int
    versions: tuple[int, ...]

    def at(self, version: int) -> LentKey:
        """Return one version as a key of its own, without the others."""
        return LentKey(self.connection, self.name, version, (version,))

    def subkey(self, *, purpose: str, scheme: str = "", domain: str = "", length: int = 32) -> bytes:
        """Have the subkey of this version for one use derived."""
        wanted = {"purpose": purpose, "scheme": scheme, "domain": domain, "length": length, "version": self.version}
        _say(self.connection, {"subkey": wanted})
        return self.connection.recv_bytes()

    def __repr__(self) -> str:
        return f"Key({self.name!r}, version={self.version})"


def main() -> None:
    """Answer until nobody asks any more."""
    connection = Connection(int(sys.argv[1]))
    method = None
    rule = json.loads(connection.recv_bytes())
    with suppress(Exception):  # it is made again for the first rows, and fails there
        method = _method(rule)
    _say(connection, {"started": True})
    while True:
        try:
            head, rows = json.loads(connection.recv_bytes()), rows_from_bytes(connection.recv_bytes())
        except EOFError:
            return
        try:
            method = method or _method(rule)
            answer = _answer(method, head, rows, connection)
        except MaskgateError as error:
            _say(connection, {"refusal": str(error)})
        except Exception as error:  # noqa: BLE001  whatever it says could quote a cell
            _say(connection, {"failure": type(error).__name__})
        else:
            _say(connection, {"rows": answer is not None})
            if answer is not None:
                connection.send_bytes(answer)


def _method(rule: dict[str, Any]) -> Method:
    domain = rule["domain"]
    if domain is not None:
        domain = Domain(**{**domain, "normalize": tuple(domain["normalize"])})
    return ColumnRule(rule["method"], rule.get("options", {}), domain).build()


def _answer(method: Method, head: dict[str, Any], rows: list[Any], connection: Connection) -> Any:
    column, *others = rows
    entity = others.pop(0) if head["has_entity"] else None
    lent = head["key"] and LentKey(connection, **{**head["key"], "versions": tuple(head["key"]["versions"])})
    columns = dict(zip(head["columns"], others, strict=True))
    surroundings = Surroundings(head["table"], head["column"], cast("Key | None", lent), entity, columns)
    made = method.apply(column, surroundings) if head["verb"] == "apply" else method.invalid(column, surroundings)
    return None if made is None else rows_to_bytes([_one(made)])


def _one(made: Any) -> Any:
    return made.combine_chunks() if hasattr(made, "combine_chunks") else made


def _say(connection: Connection, words: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(words).encode())


if __name__ == "__main__":
    main()
