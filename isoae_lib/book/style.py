"""One look for the whole book: the style, and the colour, marker and printed name of a method."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isoae_lib.core.methods import METHODS

DRAWN = {name: row for name, row in METHODS.items() if row.colour}
# A method has the same colour in every figure; what is no autoencoder is grey.
COLOURS = {name: row.colour for name, row in DRAWN.items()} | {
    "U-MAP": "#7A7A7A", "t-SNE": "#9C9C9C", "LLE": "#BEBEBE", "PCA": "#333333"
}  # fmt: skip
MARKERS = {name: row.marker for name, row in DRAWN.items()} | {
    "U-MAP": "h", "t-SNE": "d", "LLE": "*", "PCA": "P"
}  # fmt: skip
INKS = ("#332288", "#882255", "#44AA99")  # for lines that are no method: Paul Tol's "muted"
# A line that others should follow.
REFERENCE: dict[str, Any] = {"color": "#555555", "linestyle": ":", "linewidth": 1}


def use() -> None:
    """Set the book's matplotlib style: light ground, thin axes, sizes that read on a phone."""
    plt.style.use("seaborn-v0_8-whitegrid")
    mpl.rcParams.update({
        "figure.dpi": 110, "savefig.dpi": 110, "figure.facecolor": "white",
        "savefig.facecolor": "white", "font.size": 11, "axes.titlesize": 11,
        "axes.labelsize": 11, "figure.labelsize": 11,
        "axes.edgecolor": "#555555", "axes.linewidth": 0.8,
        "grid.color": "#E3E3E3", "grid.linewidth": 0.6, "legend.frameon": False,
        "lines.linewidth": 1.8, "image.cmap": "viridis", "figure.constrained_layout.use": True,
        "axes.prop_cycle": plt.cycler(color=INKS), "svg.hashsalt": "isoae",
    })  # fmt: skip


def in_rows(
    count: int,
    per_row: int,
    size: tuple[float, float],
    sharex: bool = False,
    sharey: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels.

    Parameters
    ----------
    size : (float, float)
        Width and height of a panel, in inches.
    sharex, sharey : bool
        Whether all panels have the same axis.
    """
    rows = -(-count // per_row)
    figure, grid = plt.subplots(
        rows, per_row, figsize=(size[0] * per_row, size[1] * rows),
        squeeze=False, sharex=sharex, sharey=sharey,
    )  # fmt: skip
    for axes in grid.flat[count:]:
        figure.delaxes(axes)
    return figure, list(grid.flat[:count])


def two_in_a_row(
    count: int, height: float, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels of a height, whose words can be read on a phone."""
    return in_rows(count, 2, (3.6, height), sharex, sharey)


def label(method: str) -> str:
    """Return a method's name as printed in figures."""
    return METHODS[method].label or method if method in METHODS else method


def plain(method: str) -> str:
    """Return a method's printed name where formulas are not set."""
    return label(method).translate(str.maketrans("", "", "${}"))


def bare(axes: Axes) -> None:
    """Leave out ticks and grid, where coordinates mean nothing."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
