"""What a person does on the review pages: log in, read, and send the form that the page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urlsplit

import httpx

from demo.processes import StartFailure


@dataclass
class Form:
    """A form of a page, with the values that the page put into its hidden fields."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class PageClient:
    """One person's browser session at the gate, without a browser.

    Args:
        url: Of the gate.
        subject: Who logs in, as the identity provider calls them.
    """

    def __init__(self, url: str, subject: str) -> None:
        self.url = url
        self.subject = subject
        self.http = httpx.Client(base_url=url, timeout=30, follow_redirects=True, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def log_in(self, provider: str = "company") -> httpx.Response:
        """Log in through the identity provider; return the page that this leads to."""
        asked = self.http.get(f"/login/{provider}")
        asked.raise_for_status()
        if asked.url.netloc == httpx.URL(self.url).netloc:
            raise StartFailure(f"{self.url}/login/{provider} did not lead to an identity provider, but to {asked.url}")
        answered = self.http.post(asked.url, data={"sub": self.subject})
        answered.raise_for_status()
        return answered

    def review_page(self, request_id: str) -> str:
        """Read the review page of a request."""
        answer = self.http.get(f"/requests/{request_id}")
        answer.raise_for_status()
        return answer.text

    def decision_form(self, request_id: str) -> Form | None:
        """Return the form by which this person may decide; none if the page shows none."""
        forms = _Forms()
        forms.feed(self.review_page(request_id))
        wanted = f"/requests/{request_id}/decisions"
        return next((form for form in forms.found if urlsplit(form.action).path == wanted), None)

    def decide(self, request_id: str, verdict: str, reason: str) -> httpx.Response:
        """Approve or deny, as the page's buttons do.

        Args:
            request_id: Which request.
            verdict: ``approve`` or ``deny``.
            reason: Why.

        Raises:
            StartFailure: If the page offers this person no decision.
        """
        form = self.decision_form(request_id)
        if form is None:
            raise StartFailure(f"the page of {request_id} offers {self.subject} no decision")
        return self.http.post(
            form.action, data={**form.fields, "verdict": verdict, "reason": reason}, headers={"Origin": self.url}
        )


class _Forms(HTMLParser):
    """Collects the forms of a page with their hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(attributes.get("action", "")))
        elif tag == "input" and attributes.get("type") == "hidden" and self.found:
            self.found[-1].fields[attributes.get("name", "")] = attributes.get("value", "")
