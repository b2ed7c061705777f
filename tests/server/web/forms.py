"""Forms of a page, as a browser would send them."""

from __future__ import annotations

from html.parser import HTMLParser


def hidden_fields(html: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form with an action; empty if there is no such form."""
    found: dict[str, dict[str, str]] = {}

    class Forms(HTMLParser):
        here = ""

        def handle_starttag(self, tag, attrs):
            given = dict(attrs)
            if tag == "form":
                self.here = given["action"]
                found[self.here] = {}
            elif tag == "input" and given.get("type") == "hidden":
                found[self.here][given["name"]] = given["value"]

    Forms().feed(html)
    return found.get(action, {})
