"""Draws how time and memory grow with the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw_slope(found: Mapping[int, Mapping[str, Any]], folder: Path) -> None:
    """Write two pictures: seconds, and peak memory, by millions of rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = list(found)
    for name, label, values, scale in (
        ("scale-time", "seconds", [one["seconds"] for one in found.values()], "log"),
        ("scale-memory", "peak memory, MB", [one["memory"] / 1e6 for one in found.values()], "linear"),
    ):
        figure = Figure(figsize=(5, 3.2), dpi=120, layout="tight")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.plot(rows, values, marker="o", color="#22577a")
        axes.set_xscale("log")
        axes.set_yscale(scale)
        axes.set_xlabel("million rows")
        axes.set_ylabel(label)
        if scale == "linear":
            axes.set_ylim(0, max(700, *values) * 1.1)
            axes.axhline(700, linestyle="--", color="#c44536", linewidth=1)
        axes.grid(visible=True, alpha=0.3)
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
