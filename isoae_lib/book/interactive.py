"""Figures to turn and to touch: plotly where its script can be had, a still picture elsewhere."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCRIPT = "plotly.min.js"  # at the root of the book


def bundle(figure: go.Figure, still: Figure, name: str, then: str = "") -> dict[str, Any]:
    """Return a plotly figure as `display(..., raw=True)` takes it, one form for each reader.

    JupyterLab with plotly's extension and VS Code draw the figure themselves. The book does it with
    the script at its root. Where that is not found, and where scripts are forbidden, the still
    picture is seen.

    Parameters
    ----------
    figure : plotly Figure
    still : matplotlib Figure
        Closed here, so that it is not shown a second time.
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
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


# Sphinx writes the way to the root of the book into `data-content_root`; nobody else does.
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
