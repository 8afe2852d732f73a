"""A decoder's surface in space beside its plane: Figure 4, and where the plane is distorted."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from isoae_lib.book.distortion import MOST, along_axes
from isoae_lib.book.stepped import Control, State, stepped
from isoae_lib.book.style import plain
from isoae_lib.book.surfaces import DATA, FAR, decoded_surface, decoder_surfaces
from isoae_lib.core.arrays import Array
from isoae_lib.paper import sections
from isoae_lib.paper.claims.rule import Table
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.metrics.distortion import embedding_differentials
from isoae_lib.paper.metrics.plane import chosen
from isoae_lib.paper.planes import rounded
from isoae_lib.paper.runs import Run

SHOWN = 500  # codes of a run, and points of its surface
EVERY = 2  # place of the decoded grid that is drawn
STEP = 1e-3  # of coordinates in space: surfaces have a size of about 1
PAIR = ("I-AE", "I-AE-without-L_piso")  # Figure 4 compares them


def surface_and_plane(runs: Table) -> dict[str, Any]:
    """Show a decoded surface, to be turned, and its plane; surface and method can be chosen.

    On the left, what is far from the true surface is dark red. On the right, the colour of a code
    is the area that a small piece of the surface has in the plane. Runs are of the first seed.
    Of records that do not keep the surface, only the plane is shown.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    methods = [m for m in (*PAIR, *sections.SECTIONS["3d"].methods) if _known(runs, m)]
    methods = list(dict.fromkeys(methods))
    figure = make_subplots(
        cols=2, specs=[[{"type": "scene"}, {"type": "xy"}]], horizontal_spacing=0.02
    )
    figure.add_trace(
        go.Surface(
            cmin=0, cmax=1, colorscale=[[0, "#B5B5B5"], [1, FAR]], showscale=False,
            hoverinfo="skip",
        ), row=1, col=1,
    )  # fmt: skip
    points = {"size": 1.8, "color": DATA}
    figure.add_trace(go.Scatter3d(mode="markers", hoverinfo="skip", marker=points), row=1, col=1)
    ticks = np.array([1 / MOST, 0.5, 1, 2, MOST])
    bar = {
        "orientation": "h", "y": -0.02, "yanchor": "top", "x": 0.76, "len": 0.46, "thickness": 10,
        "tickvals": np.log2(ticks).tolist(), "ticktext": [f"{tick:g}" for tick in ticks],
        "title": {"text": "area in the plane (median 1)", "side": "bottom"},
    }  # fmt: skip
    end = float(np.log2(MOST))
    colours = {"colorscale": "Cividis", "cmin": -end, "cmax": end, "colorbar": bar}
    figure.add_trace(
        go.Scatter(
            mode="markers", marker={"size": 5, "coloraxis": "coloraxis"},
            hovertemplate="area %{text}; longest over shortest %{customdata:.1f}<extra></extra>",
        ), row=1, col=2,
    )  # fmt: skip
    scene = {"aspectmode": "data", **{f"{a}axis": {"visible": False} for a in "xyz"}}
    figure.update_layout(
        height=430, margin={"l": 0, "r": 0, "t": 10, "b": 60}, showlegend=False,
        paper_bgcolor="white", plot_bgcolor="white", scene=scene,
        xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"}, coloraxis=colours,
    )  # fmt: skip
    shown = {
        (data, method): runs[f"3d/{data}", method][0] for data, method in product(SURFACES, methods)
    }
    states: dict[tuple[int, ...], State] = {
        (i, j): _state(shown[data, method])
        for (i, data), (j, method) in product(enumerate(SURFACES), enumerate(methods))
    }
    whole = [data for data in SURFACES if all(_is_kept(shown[data, m]) for m in PAIR)]
    controls = [
        Control(
            "surface", [surface.title for surface in SURFACES.values()],
            list(SURFACES).index(whole[0]), slider=False,
        ),
        Control("method", [plain(method) for method in methods], slider=False),
    ]  # fmt: skip
    still = decoder_surfaces({method: shown[whole[0], method] for method in PAIR})
    alt = "The decoder's surface in space, with the data, and the codes in the plane"
    narrow = {
        "height": 720, "scene": scene | {"domain": {"x": [0, 1], "y": [0.5, 1]}},
        "xaxis": {"visible": False, "domain": [0, 1]},
        "yaxis": {"visible": False, "scaleanchor": "x", "domain": [0, 0.48]},
        "coloraxis": colours | {"colorbar": bar | {"x": 0.5, "len": 0.9}},
    }  # fmt: skip
    return stepped(figure, still, "surface-and-plane", controls, states, alt, narrow)


def _known(runs: Table, method: str) -> bool:
    """Tell whether a method has a run on each surface."""
    return all((f"3d/{data}", method) in runs for data in SURFACES)


def _is_kept(run: Run) -> bool:
    return "decoded_surface" in run.figures or run.has_weights


def _surface(run: Run) -> dict[str, Any]:
    """Return the decoded surface of a run, and which of it is far from the true one."""
    if not _is_kept(run):
        return {"visible": False}
    decoded, far = (a[::EVERY, ::EVERY].astype(float) for a in decoded_surface(run))
    solid = {axis: rounded(decoded[..., k], STEP) for k, axis in enumerate("xyz")}
    return solid | {"surfacecolor": rounded(far, 1.0)}


def _state(run: Run) -> State:
    """Return what is drawn of a run."""
    if run.record["status"] != "finished":
        return State([], "This run diverged: nothing is drawn.")
    name = run.spec.data
    some = chosen(len(run.codes), SHOWN)
    sigma = np.linalg.svd(
        embedding_differentials(run.codes, run.own_chart, SURFACES[name]), compute_uv=False
    )
    area = np.log2(sigma.prod(1) / np.median(sigma.prod(1)))[some]
    stretch = sigma[some, 0] / sigma[some, 1]
    codes = along_axes(run.codes)[some]
    shown = {
        "x": rounded(codes[:, 0], np.ptp(codes) / 1000),
        "y": rounded(codes[:, 1], np.ptp(codes) / 1000),
        "customdata": rounded(np.minimum(stretch, 99), 0.1),
        "text": [f"{value:.2g}" for value in 2**area],
        "marker": {"color": rounded(area, 0.05)},
    }
    says = (
        f"Standard deviation of edge ratios: {run.metrics['edge_ratio_std']:.3f}. The median small "
        f"circle becomes an ellipse {np.median(stretch):.1f} times as long as wide."
    )
    if not _is_kept(run):
        says += " Its record does not keep the decoded surface: only the data are shown."
    return State([_surface(run), _in_space(run.points[some]), shown], says)


def _in_space(points: Array) -> dict[str, Any]:
    return {axis: rounded(values, STEP) for axis, values in zip("xyz", points.T)}
