"""The published benchmark of a training step, as the page on speed shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from isoae_lib.book.style import COLOURS
from isoae_lib.files import ROOT

Rows = Sequence[Mapping[str, Any]]
COLUMNS = {
    "ours_ae_ms": "AE, ours",
    "ours_iae_ms": "I-AE, ours",
    "ours_iae_float32_ms": "in float32",
    "reference_default_ms": "double backward",
    "reference_flushed_ms": "flushed",
    "jax_ms": "JAX",
    "floor_ms": "matrix products",
}
SWEEPS = {  # swept -> axis label; what was timed -> label, method, line
    "points": ("points per step", {
        "reference": ("I-AE, double backward", "I-AE", "--s"),
        "ours_iae": ("I-AE, ours", "I-AE", "-o"),
        "floor": ("I-AE, matrix products alone", "I-AE", ":v"),
        "ours_ae": ("AE, ours", "AE", "-X"),
    }),
    "latent": ("latent size $d$", {
        "full_jacobians": ("I-AE, full Jacobians", "I-AE", "--s"),
        "ours_iae": ("I-AE, one probe each, ours", "I-AE", "-o"),
    }),
}  # fmt: skip


def benchmark(name: str) -> Any:
    """Return what a script in `benchmarks` wrote to `data/benchmarks/NAME.json`."""
    return json.loads((ROOT / f"data/benchmarks/{name}.json").read_text(encoding="utf-8"))


def step_times(rows: Rows) -> pd.DataFrame:
    """Return the median milliseconds of a step, by network and batch, and by implementation."""
    frame = pd.DataFrame(rows).set_index(["network", "batch"])
    columns = {key: shown for key, shown in COLUMNS.items() if key in frame}
    return frame[list(columns)].rename(columns=columns).astype(float)


def in_short(times: pd.DataFrame, processor: str) -> Markdown:
    """Say what `step_times` found on a processor, in least and greatest factors over networks."""
    ours = times["I-AE, ours"]

    def factors(above: pd.Series, below: pd.Series) -> str:
        factor = above / below
        return f"{factor.min():.1f} to {factor.max():.1f} times"

    return Markdown(
        f"On {processor}, our step of I-AE takes {factors(ours, times['AE, ours'])} "
        f"as long as one of AE, and {factors(ours, times['matrix products'])} as long as its "
        "matrix products alone. As one writes it first, with double backward, it takes "
        f"{factors(times['double backward'], ours)} as long as ours; with subnormal numbers set "
        f"to zero, {factors(times['flushed'], ours)}."
    )


def growth(rows: Rows) -> Figure:
    """Time of a step against points, and against the latent size, both axes logarithmic.

    A line has the colour of the method whose step it times; its dashes tell implementations apart.
    """
    figure, grid = plt.subplots(1, 2, figsize=(7.2, 3.6), sharey=True)
    for axes, (swept, (name, lines)) in zip(grid, SWEEPS.items(), strict=True):
        found = [row for row in rows if row["sweep"] == swept]
        at = [row[swept] for row in found]
        for key, (label, method, line) in lines.items():
            times = [row[f"{key}_ms"] for row in found]
            axes.loglog(at, times, line, color=COLOURS[method], label=label)
        axes.set(xlabel=name, xticks=at, xticklabels=at)
        axes.minorticks_off()
        axes.legend()
    grid[0].set_ylabel("milliseconds per step")
    return figure
