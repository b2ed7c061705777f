"""What a releaser process says to its gate, over HTTP, with a token of the role releaser."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from maskgate.errors import GateUnreachable
from maskgate.gate.client import GateClient, error_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import BinaryIO


_CHUNK = 1 << 20


class GateLink(GateClient):
    """A releaser's connection to its gate. It only carries what is said; it believes nothing."""

    def start(self, instance: str) -> None:
        """Say that this process has started."""
        self._call("POST", "releaser/start", json={"instance": instance})

    def releases(self, destinations: Collection[str]) -> dict[str, Any]:
        """Read what is to be released to these destinations, and what time it is in the gate's database."""
        return self._call("GET", "releaser/releases", params={"destination": sorted(destinations)})

    def take(self, request: str, instance: str) -> dict[str, Any]:
        """Take a release: ``{"fence", "state", "now", "lease_seconds"}``."""
        return self._step(request, "take", instance=instance)

    def renew(self, request: str, fence: int, done: int, total: int) -> None:
        """Hold on to it."""
        self._step(request, "renew", fence=fence, done=done, total=total)

    def commit(self, request: str, fence: int) -> None:
        """Say that it is about to become visible."""
        self._step(request, "commit", fence=fence)

    def copy_again(self, request: str, fence: int) -> None:
        """Go back to copying."""
        self._step(request, "copy-again", fence=fence)

    def lend(self, request: str, fence: int, credential: Mapping[str, Any], refusal: str = "") -> None:
        """Hand on a credential to whoever asked."""
        self._step(request, "lend", fence=fence, credential=dict(credential), refusal=refusal)

    def finish(self, request: str, fence: int, content_digest: str, location: str) -> None:
        """Say that it is published."""
        self._step(request, "finish", fence=fence, content_digest=content_digest, location=location)

    def end(self, request: str, fence: int, outcome: str, message: str) -> None:
        """Say that it was not carried out, and why."""
        self._step(request, "end", fence=fence, outcome=outcome, message=message)

    def file(self, request: str, fence: int, path: str) -> Iterator[bytes]:
        """Read a file of the sealed copy.

        Raises:
            GateUnreachable: If it does not come, or not whole.
            Refused: If the gate does not give it.
        """
        where = f"releaser/releases/{quote(request, safe='')}/files/{quote(path, safe='/')}"
        try:
            with self._http.stream("GET", where, params={"fence": fence}) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(self.url, response)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise GateUnreachable(f"the gate at {self.url} did not send {path} ({type(error).__name__})") from None

    # --- masking of sources ------------------------------------------------------------------------------------

    def maskings(self, sources: Collection[str]) -> list[dict[str, Any]]:
        """Read what of these sources is to be masked."""
        found = self._call("GET", "releaser/maskings", params={"source": sorted(sources)}).get("maskings")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise GateUnreachable(f"{self.url} answered, but not as a gate does")
        return found

    def take_masking(self, request: str, instance: str) -> dict[str, Any]:
        """Take a masking: ``{"fence", "now", "lease_seconds"}``."""
        return self._masking(request, "take", instance=instance)

    def renew_masking(self, request: str, fence: int, done: int, total: int) -> None:
        """Hold on to it."""
        self._masking(request, "renew", fence=fence, done=done, total=total)

    def bring_masked(self, request: str, fence: int, path: str, file: BinaryIO) -> dict[str, Any]:
        """Send a masked file up, as it is read."""
        where = f"releaser/maskings/{quote(request, safe='')}/files/{quote(path, safe='/')}"
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return self._call(
            "PUT", where, content=iter(lambda: file.read(_CHUNK), b""), headers=headers, params={"fence": fence}
        )

    def finish_masking(self, request: str, fence: int, masked: Mapping[str, Any]) -> None:
        """Say that everything was brought, and what it is."""
        self._masking(request, "finish", fence=fence, masked=dict(masked))

    def end_masking(self, request: str, fence: int, outcome: str, message: str) -> None:
        """Say that it was not masked, and why."""
        self._masking(request, "end", fence=fence, outcome=outcome, message=message)

    # --- actions that handlers carry out -----------------------------------------------------------------------

    def actions(self, actions: Collection[str]) -> dict[str, Any]:
        """Read what of these verbs is to be carried out, or did not end."""
        return self._call("GET", "releaser/actions", params={"action": sorted(actions)})

    def take_dry_runs(self, actions: Collection[str]) -> list[Any]:
        """Take the dry runs of these verbs that are waited for."""
        found = self._call("POST", "releaser/actions/dry-runs", json={"actions": sorted(actions)}).get("dry_runs")
        if not isinstance(found, list):
            raise GateUnreachable(f"{self.url} answered, but not as a gate does")
        return found

    def answer_dry_run(self, dry_run: str, lines: Collection[str], refusal: str) -> None:
        """Say what came of one."""
        self._action("dry-runs", dry_run, lines=list(lines), refusal=refusal)

    def take_action(self, request: str, instance: str, seconds: int) -> dict[str, Any]:
        """Take an action: ``{"fence", "state", "now"}``, and ``arguments`` of one that is new."""
        return self._action(request, "take", instance=instance, seconds=seconds)

    def finish_action(self, request: str, fence: int, outcome: Mapping[str, Any]) -> None:
        """Say how it ended."""
        self._action(request, "finish", fence=fence, outcome=dict(outcome))

    def end_action(self, request: str, fence: int, outcome: str, message: str) -> None:
        """Say that nothing of it took place, or that it cannot be told."""
        self._action(request, "end", fence=fence, outcome=outcome, message=message)

    def _action(self, request: str, step: str, **body: Any) -> dict[str, Any]:
        return self._call("POST", f"releaser/actions/{quote(request, safe='')}/{step}", json=body)

    def _masking(self, request: str, step: str, **body: Any) -> dict[str, Any]:
        return self._call("POST", f"releaser/maskings/{quote(request, safe='')}/{step}", json=body)

    def _step(self, request: str, step: str, **body: Any) -> dict[str, Any]:
        return self._call("POST", f"releaser/releases/{quote(request, safe='')}/{step}", json=body)
