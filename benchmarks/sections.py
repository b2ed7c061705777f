"""What all benchmarks write in the same way: sections of a page, and whether a ratio is what it must be."""

from __future__ import annotations


def with_section(text: str, name: str, table: str, by: str) -> str:
    """Return the page with one section replaced."""
    begin, end = f"<!-- {name}: written by `{by}` -->\n", f"\n<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{table}{end}{after}"


def judged(ratio: float, least: float | None, most: float | None) -> tuple[str, str]:
    """Return what a ratio must be, and whether it is, as a table says them."""
    must = f"at least {least:g}" if most is None else f"at most {most:g}"
    reached = (least is None or ratio >= least) and (most is None or ratio <= most)
    return must, "yes" if reached else "**no**"
