"""The gate's verbs over HTTP, for pipelines and the command line.

The client decides nothing. It says what the gate answered, as plain JSON values, and it fails closed:
no answer, a broken answer and an answer of another kind are all `GateUnreachable`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, overload
from urllib.parse import quote

import httpx

from maskgate.errors import (
    Conflict,
    GateUnreachable,
    NotAllowed,
    NotFound,
    Refused,
    StillPending,
    TooMany,
    UsageError,
)
from maskgate.gate.calls import checked_arguments
from maskgate.gate.gate_address import gate_address, gate_token, id_segment, no_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

SETTLED = frozenset({"refused", "denied", "expired", "withdrawn", "released", "failed", "indeterminate"})

_CHUNK = 1 << 20
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _UNPROCESSABLE, _TOO_MANY = 401, 403, 404, 409, 422, 429
_SERVER_ERROR = 500
_PAGE = 100
_SETTINGS = {
    "MASKGATE_URL": "MASKGATE_URL to its address, such as http://127.0.0.1:8470",
    "MASKGATE_TOKEN": "MASKGATE_TOKEN to one of its tokens, such as the content of pipeline.token in its home",
}


class GateClient:
    """A pipeline's, or an auditor's, connection to one gate.

    Args:
        url: Where the gate is, such as ``http://127.0.0.1:8470``.
        token: A gate token; it is sent to this gate only, and never shown.
        timeout: Seconds to wait for each answer.
        transport: Another way of reaching the gate, such as an application in this process.
    """

    def __init__(
        self, url: str, token: str, *, timeout: float = 30.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = gate_address(url)
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {gate_token(token)}", "Accept": "application/json"},
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
        )

    @classmethod
    def from_environment(cls, *, timeout: float = 30.0) -> Self:
        """Reach the gate that MASKGATE_URL and MASKGATE_TOKEN name.

        Raises:
            UsageError: If one of them is not set.
        """
        missing = [what for name, what in _SETTINGS.items() if not os.environ.get(name)]
        if missing:
            raise UsageError(f"to reach the gate, set {', and '.join(missing)}")
        return cls(os.environ["MASKGATE_URL"], os.environ["MASKGATE_TOKEN"], timeout=timeout)

    def __repr__(self) -> str:
        return f"GateClient({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # --- staging -----------------------------------------------------------------------------------------------

    def open_staging(self, *, root: str | None = None) -> dict[str, Any]:
        """Open a write-once place for masked files: ``{"id", "uri" or null, "upload", "expires_at"}``."""
        return self._call("POST", "staging", json={} if root is None else {"root": root})

    def upload(self, staging_id: str, path: str, file: str | Path | bytes) -> dict[str, Any]:
        """Send one file up: ``{"path", "size", "sha256"}``.

        Args:
            staging_id: What :meth:`open_staging` returned.
            path: Where in the staging, such as ``customers/part-00000.parquet``.
            file: The path of the file to read, or its bytes.

        Raises:
            UsageError: If the file cannot be read.
        """
        return self._send_file(f"staging/{id_segment(staging_id)}/files/{quote(path, safe='/')}", file)

    def _send_file(self, where: str, file: str | Path | bytes, params: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/octet-stream"}
        if isinstance(file, bytes):
            return self._call("PUT", where, content=file, headers=headers, params=params)
        try:
            opened = Path(file).open("rb")  # noqa: SIM115  closed below; what fails in sending is not about the file
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}. Name a file that is there") from None
        with opened:
            headers["Content-Length"] = str(os.fstat(opened.fileno()).st_size)
            return self._call("PUT", where, content=_chunks(opened), headers=headers, params=params)

    # --- requests ----------------------------------------------------------------------------------------------

    def create_request(
        self,
        *,
        destination: str,
        staging: str | None = None,
        source: str | None = None,
        tables: Sequence[str] = (),
        rules: str | None = None,
        action: str = "export",
        why: str = "",
        host: Mapping[str, Any] | None = None,
        requesters: tuple[str, ...] | list[str] = (),
    ) -> dict[str, Any]:
        """Ask for a signature. Asking again for the same run, data and destination returns the same request.

        Args:
            destination: Where it goes, by its id.
            staging: What a pipeline has masked and staged.
            source: Or what the releaser is to mask itself, by its id.
            tables: Of a source, these tables alone.
            rules: Of a source, the digest that its rules have to have.
            action: The verb.
            why: Why, for the reviewer.
            host: The run that asks.
            requesters: Who had a hand in it.
        """
        body = {
            **({} if staging is None else {"staging": staging}),
            **({} if source is None else {"source": source, "tables": list(tables), "rules": rules}),
            "action": action,
            "destination": destination,
            "why": why,
            "host": None if host is None else dict(host),
            "requesters": list(requesters),
        }
        return self._call("POST", "requests", json=body)

    @overload
    def request(self, request_id: str) -> dict[str, Any]: ...

    @overload
    def request(
        self,
        *,
        action: str,
        resource: str,
        why: str = "",
        arguments: Mapping[str, Any] | None = None,
        host: Mapping[str, Any] | None = None,
        requesters: Sequence[str] = (),
    ) -> dict[str, Any]: ...

    def request(self, request_id: str | None = None, **action: Any) -> dict[str, Any]:
        """Read one request; or ask for an action that releases no staged files.

        Args:
            request_id: The request to read.
            **action: Instead: the verb ``action``, the ``resource`` that it is about, ``why``, every one of its
                ``arguments`` (JSON values), the run that asks as ``host``, and ``requesters`` who had a hand in it.
                The same call gets the same request for as long as that is open.
        """
        if request_id is not None:
            return self._call("GET", f"requests/{id_segment(request_id)}")
        host, arguments = action.pop("host", None), checked_arguments(action.pop("arguments", None))
        body = {"why": "", **action, "arguments": arguments, "requesters": list(action.get("requesters", ()))}
        return self._call("POST", "requests", json=body | {"host": None if host is None else dict(host)})

    def explain(self, request_id: str) -> dict[str, Any]:
        """Read which policy a request fell under, and why."""
        return self._call("GET", f"requests/{id_segment(request_id)}/policy")

    def requests(self, state: str | None = None) -> list[dict[str, Any]]:
        """Read the requests this token may see, the newest first."""
        params: dict[str, Any] = {"limit": _PAGE} if state is None else {"limit": _PAGE, "state": state}
        found: list[dict[str, Any]] = []
        while True:
            answer = self._call("GET", "requests", params=params)
            found += _list(answer, "requests")
            if not answer.get("next"):
                return found
            params["after"] = answer["next"]

    def refresh(self, request_id: str) -> dict[str, Any]:
        """Tell the gate to look at the host again. It carries no claim about what it will find there."""
        return self._call("POST", f"requests/{id_segment(request_id)}/refresh", json={})

    def release(
        self,
        request_id: str,
        host: Mapping[str, Any] | None = None,
        *,
        arguments: Mapping[str, Any] | None = None,
        arguments_digest: str | None = None,
    ) -> dict[str, Any]:
        """Ask the gate to carry the request out; poll :meth:`request` until it is settled.

        Args:
            request_id: Which request.
            host: The run that calls.
            arguments: Of an action, the arguments of this call: they are checked against what was signed.
            arguments_digest: Or their digest, where the caller carries the action out and keeps them.

        Raises:
            StillPending: If nobody has decided yet.
            Refused: If the gate says no.
        """
        body: dict[str, Any] = {"host": None if host is None else dict(host)}
        if arguments is not None:
            body["arguments"] = checked_arguments(arguments)
        if arguments_digest is not None:
            body["arguments_digest"] = arguments_digest
        return self._call("POST", f"requests/{id_segment(request_id)}/release", json=body)

    def report(self, request_id: str, fence: int, outcome: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Say how an action ended that this caller carried out, once; without an outcome, that it is still at it."""
        body: dict[str, Any] = {"fence": fence}
        if outcome is not None:
            body["outcome"] = dict(outcome)
        return self._call("POST", f"requests/{id_segment(request_id)}/receipt", json=body)

    def withdraw(self, request_id: str) -> dict[str, Any]:
        """Take the request back."""
        return self._call("POST", f"requests/{id_segment(request_id)}/withdraw", json={})

    def wait(
        self,
        request_id: str,
        until: Callable[[dict[str, Any]], bool],
        timeout: float,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Poll a request, ever more slowly, until it is as wanted or settled.

        Args:
            request_id: Which request.
            until: Says whether the document is as wanted.
            timeout: Seconds after which to give up.
            on_progress: Told of each document whose state, message, progress or refusals are new.

        Raises:
            StillPending: If the time is over first.
        """
        deadline = time.monotonic() + timeout
        pause, seen = 0.2, None
        while True:
            document = self.request(request_id)
            refusals = len(document.get("refusals") or ())
            news = (document.get("state"), document.get("message"), str(document.get("progress")), refusals)
            if on_progress is not None and news != seen:
                on_progress(document)
            pause, seen = (0.2 if news != seen else min(pause * 1.5, 5.0)), news
            if until(document) or document.get("state") in SETTLED:
                return document
            left = deadline - time.monotonic()
            if left <= 0:
                where = f" Its page: {document['url']}" if document.get("url") else ""
                raise StillPending(
                    f"request {request_id} is still {document.get('state')}: {document.get('message')}{where}"
                )
            time.sleep(min(pause, left))

    # --- ledger and health -------------------------------------------------------------------------------------

    def ledger_entries(self, after: int = -1, limit: int = 1000) -> list[dict[str, Any]]:
        """Read the ledger's entries whose number is greater than ``after``."""
        return _list(self._call("GET", "ledger/entries", params={"after": after, "limit": limit}), "entries")

    def checkpoint(self) -> dict[str, Any]:
        """Read the ledger's size and root, signed."""
        return self._call("GET", "ledger/checkpoint")

    def gate_keys(self) -> dict[str, Any]:
        """Read the ring of the gate's public keys. Compare the fingerprints before you pin them."""
        return self._call("GET", "gate/keys")

    def rotate_gate_key(self, why: str = "") -> dict[str, Any]:
        """Ask whether another key may take the place of the gate's, with a token of the role operator."""
        return self._call("POST", "gate/keys/rotate", json={"why": why})

    def revoke_gate_key(self, key: str, why: str = "") -> dict[str, Any]:
        """Ask whether an earlier key may be revoked, with a token of the role operator."""
        return self._call("POST", "gate/keys/revoke", json={"key": key, "why": why})

    def reconciliation(self) -> dict[str, Any]:
        """Read what hosts and destinations show that no request explains."""
        return self._call("GET", "reconciliation")

    def healthz(self) -> dict[str, Any]:
        """Read how the gate is."""
        return self._call("GET", f"{self.url}/healthz")

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise GateUnreachable(
                f"the gate at {self.url} did not answer ({no_answer(error)}). Nothing was released; try again"
            ) from None
        except httpx.InvalidURL:
            raise UsageError(f"the gate at {self.url} cannot be asked for {path!r}: that is no valid path") from None
        if not response.is_success:
            raise error_of(self.url, response)
        return object_of(self.url, response)


def object_of(url: str, response: httpx.Response) -> dict[str, Any]:
    """Read what a gate answered.

    Raises:
        GateUnreachable: If that is no JSON object.
    """
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise GateUnreachable(f"{url} answered, but not as a gate does. Is that the gate's address?")
    return answer


def error_of(url: str, response: httpx.Response) -> Exception:
    """Say a refusal in the words of the gate."""
    status = response.status_code
    if status >= _SERVER_ERROR:
        return GateUnreachable(f"the gate at {url} answered {status}. Nothing was released; try again")
    try:
        body = response.json()
    except ValueError:
        body = None
    problem = body if isinstance(body, dict) else {}
    if "code" not in problem:
        return GateUnreachable(f"{url} answered {status}, but not as a gate does. Is that the gate's address?")
    detail, code = str(problem.get("detail") or problem.get("title") or status), str(problem["code"])
    if code == "still_pending":
        return StillPending(detail)
    if status == _UNPROCESSABLE:
        return UsageError(detail) if code in _USAGE_CODES else Refused(detail)
    kinds: dict[int, type[Refused]] = {
        _UNAUTHORIZED: NotAllowed,
        _FORBIDDEN: NotAllowed,
        _NOT_FOUND: NotFound,
        _CONFLICT: Conflict,
        _TOO_MANY: TooMany,
    }
    return kinds.get(status, Refused)(detail)


_USAGE_CODES = frozenset({"usage_error", "rules_error", "policy_error", "plan_error", "configuration_error"})


def _list(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise GateUnreachable(f"the answer has no list of {key}. Is that the gate's address?")
    return found


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
