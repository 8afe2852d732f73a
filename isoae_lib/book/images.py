"""The figures of sections 4.2 and 4.4: embeddings of images, close-ups, losses against lambda."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.figures import COLOURS, MARKERS, bare, label
from isoae_lib.book.interactive import bundle
from isoae_lib.core.arrays import Array
from isoae_lib.paper.claims.images import WEIGHED, weights_of
from isoae_lib.paper.claims.rule import Table, data_title
from isoae_lib.paper.metrics.plane import POSES, chosen
from isoae_lib.paper.sections import FIGURE_5_METHODS

SHOWN = 6000  # points of an embedding in a figure: more hide each other
HOVERED = 1600  # points that show their image: a square number, for one square sheet of pictures
Row = Mapping[str, tuple[Array, NDArray]]  # method -> codes (n, 2), classes (n,)


def class_colours(count: int) -> list[tuple[float, float, float]]:
    """Return one colour a class: seaborn's colour-blind ten, or twenty along the colour circle."""
    return sns.color_palette("colorblind", 10) if count <= 10 else sns.husl_palette(count, l=0.6)


def _panels(count: int, most: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many square panels without ticks, in rows of equal length.

    Rows are as few as `most` panels in each allow.
    """
    rows = -(-count // most)
    columns = -(-count // rows)
    size = (7.6, 7.6 / columns * rows + 0.4 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axes in grid.flat[count:]:
        axes.axis("off")
    for axes in grid.flat[:count]:
        axes.set_aspect("equal", adjustable="datalim")
        bare(axes)
    return figure, list(grid.flat[:count])


def _scatter(axes: Axes, codes: Array, labels: NDArray, colours: NDArray) -> None:
    some = chosen(len(codes), SHOWN)
    x, y = codes[some].T
    axes.scatter(x, y, c=colours[labels[some]], s=1.5, linewidths=0)


def embeddings(row: Row, title: str, classes: Sequence[str]) -> Figure:
    """Figure 5 for one network: an embedding for each method, coloured by class."""
    figure, panels = _panels(len(row), 4)
    colours = np.array(class_colours(len(classes)))
    for axes, (method, (codes, labels)) in zip(panels, row.items(), strict=True):
        _scatter(axes, codes, labels, colours)
        axes.set_title(label(method))
    figure.suptitle(title)
    if len(classes) <= 10:
        handles = [
            plt.Line2D([], [], marker="o", ls="", color=colour, label=name)
            for colour, name in zip(colours, classes, strict=False)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, handletextpad=0.1)
    return figure


def close_ups(row: Row, objects: Sequence[int]) -> Figure:
    """Figure 5, last row: three objects of COIL-20, each view joined to the next rotation."""
    figure, panels = _panels(len(row), 4)
    colours = class_colours(20)
    for axes, (method, (codes, _)) in zip(panels, row.items(), strict=True):
        rings = codes.reshape(-1, POSES, 2)
        for k in objects:
            closed = np.concatenate([rings[k], rings[k][:1]])
            axes.plot(*closed.T, "-o", color=colours[k], ms=2, lw=0.6)
        axes.set_title(label(method))
    return figure


def strip(runs: Table, experiment: str) -> Figure:
    """Figure 6, top: embeddings of an experiment for growing lambda, of the first seed."""
    figure, panels = _panels(len(WEIGHED), 5)
    colours = np.array(class_colours(10))
    for axes, (weight, method) in zip(panels, WEIGHED.items(), strict=True):
        run = runs[experiment, method][0]
        _scatter(axes, run.codes, run.labels, colours)
        axes.set_title(rf"$\lambda_{{iso}} = {weight:g}$")
    figure.suptitle(data_title(experiment))
    return figure


def loss_curves(runs: Table, experiments: Sequence[str]) -> Figure:
    """Figure 6, bottom: the three losses against lambda, L_rec linear, the others logarithmic.

    One line per experiment; bars span the seeds.
    """
    figure, grid = plt.subplots(1, 3, figsize=(10, 3))
    for experiment, colour, marker in zip(experiments, ("I-AE", "CAE"), ("o", "s"), strict=False):
        for axes, name in zip(grid, ("L_rec", "L_iso", "L_piso"), strict=True):
            found = weights_of(runs, experiment, name)
            values = [v.mean() for v in found.values()]
            spread = [np.abs(np.array([v.min(), v.max()]) - v.mean()) for v in found.values()]
            axes.errorbar(
                np.arange(len(found)), values, np.transpose(spread), color=COLOURS[colour],
                marker=marker, label=data_title(experiment), capsize=2,
            )  # fmt: skip
            axes.set_xticks(np.arange(len(found)), [f"{w:g}" for w in found], rotation=60)
            axes.set(xlabel=r"$\lambda_{iso}$", title=f"${name[0]}_{{{name[2:]}}}$")
            axes.set_yscale("linear" if name == "L_rec" else "log")
    grid[0].legend()
    return figure


def along_steps(runs: Table, experiment: str) -> Figure:
    """Figure 5 in numbers while training goes on: a line through the means, a point for each seed.

    Runs of every length that an experiment has, `METHOD,steps=N` among them.
    """
    panels = {"crowding": "crowding", "knn_accuracy": "5-NN accuracy", "rmse": "error per pixel"}
    figure, grid = plt.subplots(1, 3, figsize=(10, 3.2))
    for method in FIGURE_5_METHODS:
        found = [
            run
            for (where, name), group in runs.items()
            if where == experiment and re.fullmatch(rf"{method}(,steps=\d+)?", name)
            for run in group
        ]
        steps = np.array([run.spec.steps for run in found])
        for axes, (metric, name) in zip(grid, panels.items(), strict=True):
            numbers = np.array([run.metrics[metric] for run in found])
            means = [numbers[steps == n].mean() for n in np.unique(steps)]
            style = {"color": COLOURS[method], "marker": MARKERS[method]}
            axes.plot(np.unique(steps), means, label=label(method), ms=5, **style)
            axes.plot(steps, numbers, ls="", ms=3, alpha=0.5, **style)
            axes.set(xscale="log", xlabel="steps", ylabel=name)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def hover(codes: Array, pixels: NDArray, labels: NDArray, classes: Sequence[str]) -> dict[str, Any]:
    """An embedding whose points show their image, as `display(..., raw=True)` takes it.

    Parameters
    ----------
    codes : array (n, 2)
    pixels : uint8 array (n, H, W)
    labels, classes
        Of each image, and their names.
    """
    import plotly.graph_objects as go

    some = chosen(len(codes), HOVERED)
    figure = go.Figure()
    for k, (colour, name) in enumerate(zip(class_colours(len(classes)), classes, strict=False)):
        mine = some[labels[some] == k]
        x, y = np.round(codes[mine], 3).T
        figure.add_trace(
            go.Scattergl(
                x=x, y=y, mode="markers", name=name, hoverinfo="none",
                customdata=np.searchsorted(some, mine),
                marker={"size": 5, "color": f"rgb{tuple(round(255 * c) for c in colour)}"},
            )
        )  # fmt: skip
    figure.update_layout(
        height=460, margin={"l": 0, "r": 0, "t": 10, "b": 0}, plot_bgcolor="white",
        paper_bgcolor="white", hovermode="closest", legend={"orientation": "h"},
        xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"},
    )  # fmt: skip
    still, axes = plt.subplots(figsize=(7.2, 4.6))
    colours = class_colours(len(classes))
    axes.scatter(codes[some, 0], codes[some, 1], c=[colours[k] for k in labels[some]], s=5)
    axes.set_aspect("equal", adjustable="datalim")
    bare(axes)
    sheet = json.dumps(_sheet(pixels[some]))
    then = _SHOW_IMAGE % (sheet, pixels.shape[1], _columns(len(some)))
    return bundle(figure, still, "hover", then)


def _columns(count: int) -> int:
    return int(np.ceil(np.sqrt(count)))


def _sheet(pixels: NDArray) -> str:
    """Return all images side by side on one sheet, dark on light, as a PNG in an address."""
    from PIL import Image

    columns, (n, h, w) = _columns(len(pixels)), pixels.shape
    sheet = np.zeros((columns, columns, h, w), np.uint8)
    sheet.reshape(-1, h, w)[:n] = pixels
    content = io.BytesIO()
    Image.fromarray(255 - sheet.transpose(0, 2, 1, 3).reshape(columns * h, columns * w)).save(
        content, "PNG", optimize=True
    )
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


_SHOW_IMAGE = """
  const sheet = %s, side = %d, columns = %d, zoom = 3;
  const tile = document.createElement("div");
  Object.assign(tile.style, {
    position: "fixed", display: "none", width: side * zoom + "px", height: side * zoom + "px",
    border: "1px solid #555", pointerEvents: "none", zIndex: 1000, imageRendering: "pixelated",
    backgroundImage: "url(" + sheet + ")", backgroundSize: columns * side * zoom + "px"
  });
  document.body.appendChild(tile);
  plot.on("plotly_hover", function (event) {
    const k = event.points[0].customdata, at = event.event;
    tile.style.backgroundPosition =
      -(k %% columns) * side * zoom + "px " + -Math.floor(k / columns) * side * zoom + "px";
    tile.style.left = Math.min(at.clientX + 14, innerWidth - side * zoom - 8) + "px";
    tile.style.top = at.clientY - side * zoom / 2 + "px";
    tile.style.display = "block";
  });
  plot.on("plotly_unhover", function () { tile.style.display = "none"; });
"""
