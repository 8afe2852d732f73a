"""Figures to turn and to touch: plotly where its script is at hand, a still picture elsewhere."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.images import class_colours
from isoae_lib.book.style import bare
from isoae_lib.core.arrays import Array
from isoae_lib.paper.metrics.plane import chosen
from isoae_lib.paper.runs import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go

HOVERED = 1600  # points that show their image: a square number, for one square sheet of pictures
SCRIPT = "plotly.min.js"  # at the root of the book


def bundle(figure: go.Figure, still: Figure, name: str, then: str = "") -> dict[str, Any]:
    """Return a plotly figure as `display(..., raw=True)` takes it, one form for each reader.

    JupyterLab with plotly's extension and VS Code draw the figure themselves. The book draws it
    with the script at its root. Where that is missing or scripts are forbidden, readers see the
    still picture.

    Parameters
    ----------
    figure : plotly Figure
    still : matplotlib Figure
        It is closed, so that it is not shown a second time.
    name : str
        The id of the element on the page.
    then : str
        JavaScript to run when the figure is drawn; `plot` is its element.
    """
    drawn = figure.to_json().replace("</", "<\\/")
    shown = _SHOW % {"name": name, "still": picture(still), "figure": drawn, "script": SCRIPT,
                     "then": then}  # fmt: skip
    return {"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/html": shown}


def picture(still: Figure) -> str:
    """Return a figure as the address of a PNG, and close it."""
    content = io.BytesIO()
    still.savefig(content, format="png", metadata={"Software": None})
    plt.close(still)
    return _address(content)


def _address(png: io.BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


# Only Sphinx writes `data-content_root`, the path to the root of the book.
_SHOW = """
<div id="%(name)s" class="plotly-graph-div"><img alt="The figure as it is before it is turned or
touched" style="max-width: 100%%" src="%(still)s"></div>
<script>
(function () {
  const root = document.documentElement.dataset.content_root;
  if (root === undefined) return;
  const script = document.createElement("script");
  script.src = root + "%(script)s";
  script.onload = function () {
    const plot = document.getElementById("%(name)s"), figure = %(figure)s;
    plot.replaceChildren();
    plot.style.height = figure.layout.height + "px";
    Plotly.newPlot(plot, figure.data, figure.layout, {responsive: true, displayModeBar: false});
    %(then)s
  };
  document.head.appendChild(script);
})();
</script>
"""


def hover_over(run: Run, classes: Sequence[str]) -> dict[str, Any]:
    """The embedding of a run, whose points show their image; a sentence where images are missing.

    They are grey and square.
    """
    if not run.has_data:
        return {"text/markdown": "This machine does not have the images.", "text/plain": ""}
    pixels = run.points[: len(run.codes)]
    side = round(pixels.shape[1] ** 0.5)
    return hover(run.codes, pixels.reshape(-1, side, side), run.labels, classes)


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
    colours = class_colours(len(classes))
    figure = go.Figure()
    for k, (colour, name) in enumerate(zip(colours, classes, strict=False)):
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
    axes.scatter(codes[some, 0], codes[some, 1], c=[colours[k] for k in labels[some]], s=5)
    axes.set_aspect("equal", adjustable="datalim")
    bare(axes)
    sheet, columns = _sheet(pixels[some])
    then = _SHOW_IMAGE % (json.dumps(sheet), pixels.shape[1], columns)
    return bundle(figure, still, "hover", then)


def _sheet(pixels: NDArray) -> tuple[str, int]:
    """Return a square sheet of images, dark on light, as the address of a PNG, and its columns."""
    n, h, w = pixels.shape
    columns = int(np.ceil(np.sqrt(n)))
    sheet = np.zeros((columns, columns, h, w), np.uint8)
    sheet.reshape(-1, h, w)[:n] = pixels
    flat = sheet.transpose(0, 2, 1, 3).reshape(columns * h, columns * w)
    return png(255 - flat), columns


def png(pixels: NDArray) -> str:
    """Return grey pixels (H, W), bytes, as the address of a PNG."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return _address(content)


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
