"""Keys that HashiCorp Vault's Transit engine wraps: ``vault-transit:[MOUNT/]KEY@PATH``.

Each entry of the file is a ciphertext as Transit writes it, ``vault:v1:…``. The environment says where Vault is, as
for Vault's own command line: ``VAULT_ADDR``, ``VAULT_NAMESPACE``, ``VAULT_CACERT``, and the token in ``VAULT_TOKEN``,
in the file that ``VAULT_TOKEN_FILE`` names, or in ``~/.vault-token``. The token needs ``update`` on
``MOUNT/decrypt/KEY``, and on ``MOUNT/datakey/wrapped/KEY`` to make keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from maskgate.errors import KeyReferenceError
from maskgate.keys.protected_file import read_protected
from maskgate.keys.service_address import check_service_address

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 10.0
_STEPS = 3
_MOST_BYTES = 2**20

_NAME = re.compile(r"(?:(?P<mount>\w[\w.-]*(?:/\w[\w.-]*)*)/)?(?P<key>\w[\w.-]*)", re.ASCII)
_CIPHERTEXT = re.compile(r"vault:v[0-9]{1,9}:[A-Za-z0-9+/]+={0,2}")
_HEADER = re.compile(r"[!-~]+")
_OK = 200
_WHAT_NOW = {
    400: "another Transit key wrapped it, or it was changed",
    403: "the token is not valid, or no policy of it allows this",
    404: "there is no such Transit key, or the engine is mounted elsewhere",
    429: "too many requests; try again",
    503: "it is sealed or under maintenance",
}


def split_reference(name: str) -> tuple[VaultTransit, str]:
    """Read what stands after ``vault-transit:``; return the Transit key and the path of the file.

    Raises:
        KeyReferenceError: If it cannot be understood.
    """
    key, at, path = name.partition("@")
    if not at or not path:
        raise KeyReferenceError("a reference to Vault is written vault-transit:[MOUNT/]KEY@PATH")
    return VaultTransit.named(key), path


@dataclass(frozen=True)
class VaultTransit:
    """A key of a Transit engine.

    Args:
        key: Its name.
        mount: Where the engine is mounted.
        timeout: How many seconds to wait for each step of an answer; three times as many for all of it.
    """

    key: str
    mount: str = "transit"
    timeout: float = SECONDS

    @classmethod
    def named(cls, name: str) -> VaultTransit:
        """Read ``[MOUNT/]KEY``.

        Raises:
            KeyReferenceError: If that is no such name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise KeyReferenceError(
                "a Transit key is named [MOUNT/]KEY, such as maskgate or teams/data/transit/maskgate"
            )
        return cls(match["key"], match["mount"] or "transit")

    def unwrap(self, wrapped: str) -> bytes:
        """Have Vault decrypt one entry; see `KeyWrapper`."""
        if not _CIPHERTEXT.fullmatch(wrapped):
            raise KeyReferenceError("it is no ciphertext of Vault's, vault:v1:…")
        said = self.ask(f"decrypt/{self.key}", {"ciphertext": wrapped})
        if said.problem:
            raise KeyReferenceError(said.problem)
        try:
            return base64.b64decode(said.text("plaintext"), validate=True)
        except (binascii.Error, ValueError):
            del said
        raise KeyReferenceError("Vault answered something else than base64")

    def make_wrapped(self) -> str:
        """Have Vault make a key of 32 bytes; see `KeyWrapper`."""
        said = self.ask(f"datakey/wrapped/{self.key}", {"bits": 256})
        wrapped = said.text("ciphertext")
        if said.problem or not _CIPHERTEXT.fullmatch(wrapped):
            raise KeyReferenceError(said.problem or "Vault answered something else than a ciphertext")
        return wrapped

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Said:
        """Ask the engine: read what is at a path, or with a body have it do something.

        Args:
            path: Below the mount, such as ``sign/gate``.
            body: JSON to send; None to read.
        """
        setting = _Setting.from_environment()
        if setting.problem:
            return Said(problem=setting.problem)
        url = f"{setting.address}/v1/{self.mount}/{path}"
        try:
            # Redirects are not followed: the token is for this address alone.
            with httpx.stream(
                "GET" if body is None else "POST",
                url,
                json=None if body is None else dict(body),
                headers=setting.headers,
                timeout=self.timeout,
                verify=setting.trusted(),
                follow_redirects=False,
                # What goes to loopback in the clear goes through no proxy.
                trust_env=url.startswith("https:"),
            ) as answer:
                return _said(answer, f"{self.mount}/{path}", _beginning(answer, _STEPS * self.timeout))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Said(problem=f"Vault did not answer ({type(error).__name__}); look at VAULT_ADDR and VAULT_CACERT")


def _beginning(answer: httpx.Response, seconds: float) -> bytes:
    """Read an answer, or nothing of one that is longer than any of Vault's.

    Raises:
        httpx.ReadTimeout: If it takes longer than so many seconds, however often a part of it comes.
    """
    read, until = bytearray(), time.monotonic() + seconds
    for part in answer.iter_raw():
        read += part
        if len(read) > _MOST_BYTES:
            return b""
        if time.monotonic() > until:
            raise httpx.ReadTimeout("")
    return bytes(read)


@dataclass(frozen=True)
class Said:
    """The data of Vault's answer, or the problem with it.

    Attributes:
        data: What it answered.
        problem: Why there is nothing; empty if there is.
    """

    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""

    def text(self, name: str) -> str:
        """Return a text of the answer; empty if there is none of this name."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""


def _said(answer: httpx.Response, path: str, content: bytes) -> Said:
    status = answer.status_code
    if answer.is_redirect:
        return Said(problem=f"Vault answered {status}, a redirect. Set VAULT_ADDR to the address of the active node")
    if status != _OK:
        why = f": {_WHAT_NOW[status]}" if status in _WHAT_NOW else ""
        return Said(problem=f"Vault answered {status} to {path}{why}")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    data = document.get("data") if isinstance(document, dict) else None
    return Said(data) if isinstance(data, dict) else Said(problem="what answered at VAULT_ADDR is no Vault")


@dataclass(frozen=True)
class _Setting:
    """How to reach Vault, by the environment; or the problem with it."""

    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    authority: str = ""
    problem: str = ""

    @classmethod
    def from_environment(cls) -> _Setting:
        address = os.environ.get("VAULT_ADDR", "").rstrip("/")
        if not address:
            return cls(
                problem="VAULT_ADDR is not set. Set it to the address of Vault, such as https://vault.example:8200"
            )
        try:
            check_service_address(address, "VAULT_ADDR")
        except KeyReferenceError as error:
            return cls(problem=str(error))
        token, problem = _token()
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true", "Accept-Encoding": "identity"}
        if namespace := os.environ.get("VAULT_NAMESPACE"):
            headers["X-Vault-Namespace"] = namespace
        if not problem and not all(map(_HEADER.fullmatch, headers.values())):
            problem = "the token or VAULT_NAMESPACE holds what no header can carry"
        return cls(problem=problem) if problem else cls(address, headers, os.environ.get("VAULT_CACERT", ""))

    def trusted(self) -> ssl.SSLContext | bool:
        """Return whose certificates to trust."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else True


def _token() -> tuple[str, str]:
    """Return the token, and the problem with it."""
    if token := os.environ.get("VAULT_TOKEN", "").strip():
        return token, ""
    read = read_protected(os.environ.get("VAULT_TOKEN_FILE") or str(Path("~/.vault-token").expanduser()))
    if read.problem:
        return "", f"there is no token of Vault's: VAULT_TOKEN is not set, and {read.problem}"
    return read.text.strip(), "" if read.text.strip() else "the file of Vault's token is empty"
