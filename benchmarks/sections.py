"""Pages of which a program writes some sections."""

from __future__ import annotations


def with_section(text: str, name: str, table: str, by: str) -> str:
    """Return the page with one section replaced."""
    begin, end = f"<!-- {name}: written by `{by}` -->\n", f"\n<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{table}{end}{after}"
