"""Figures 1 and 6 with sliders: what other weights, and longer training, make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_hex
from scipy.linalg import orthogonal_procrustes

from isoae_lib.book.images import class_colours, data_title
from isoae_lib.book.stepped import Control, State, stepped
from isoae_lib.book.style import COLOURS, bare
from isoae_lib.book.surfaces import BESIDE, DATA, MOVED, projections
from isoae_lib.core.arrays import Array
from isoae_lib.paper.claims.images import WEIGHED
from isoae_lib.paper.claims.rule import Table
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.metrics.curves import OFFSETS
from isoae_lib.paper.metrics.plane import chosen
from isoae_lib.paper.planes import rounded
from isoae_lib.paper.runs import Run

LAMBDA = "<i>λ</i><sub>iso</sub>"
SHOWN = 800  # codes of a data set
AS_PAPER = list(WEIGHED).index(0.075)  # where the slider stands at first
EVERY = 2  # point of a learned curve that is drawn


def figure_6(runs: Table, experiments: Sequence[str]) -> dict[str, Any]:
    """Figure 6 with a slider over lambda: embeddings of the first seed, and their numbers.

    All embeddings have one size, and are turned as far as it takes to fit that of the paper's
    weight. So those of neighbouring weights can be compared.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    codes = {experiment: _aligned(runs, experiment) for experiment in experiments}
    titles = [data_title(experiment) for experiment in experiments]
    figure = make_subplots(cols=len(codes), subplot_titles=titles, horizontal_spacing=0.03)
    still, panels = plt.subplots(1, len(codes), figsize=(7.2, 3.8), squeeze=False)
    for k, (experiment, planes) in enumerate(codes.items()):
        run = runs[experiment, WEIGHED[0]][0]
        names = np.array(DATA_SETS[run.spec.data].classes)
        labels = run.labels[: len(run.codes)][chosen(len(run.codes), SHOWN)]
        colours = [to_hex(class_colours(len(names))[label]) for label in labels]
        x, y = planes[AS_PAPER].T
        figure.add_trace(
            go.Scatter(
                mode="markers", text=names[labels].tolist(), hoverinfo="text",
                marker={"size": 4, "color": colours},
            ), row=1, col=k + 1,
        )  # fmt: skip
        panels[0, k].scatter(x, y, c=colours, s=4)
        panels[0, k].set(title=titles[k], aspect="equal")
        bare(panels[0, k])
    hidden = {"visible": False, "range": [-3, 3]}
    figure.update_layout(
        height=400, margin={"l": 0, "r": 0, "t": 30, "b": 0}, showlegend=False,
        plot_bgcolor="white", paper_bgcolor="white", hovermode="closest",
        transition={"duration": 300},
        **{f"xaxis{k or ''}": hidden for k in (0, *range(2, len(codes) + 1))},
        **{f"yaxis{k or ''}": hidden | {"scaleanchor": f"x{k or ''}"}
           for k in (0, *range(2, len(codes) + 1))},
    )  # fmt: skip
    states: dict[tuple[int, ...], State] = {
        (at,): State([_points(planes[at]) for planes in codes.values()],
                     "<br>".join(_losses(runs[where, method][0]) for where in experiments))
        for at, method in enumerate(WEIGHED.values())
    }  # fmt: skip
    control = Control(LAMBDA, [f"{weight:g}" for weight in WEIGHED], AS_PAPER)
    alt = f"Embeddings of {' and '.join(titles)} at the weight that the slider chooses"
    return stepped(figure, still, "figure-6-slider", [control], states, alt, {"height": 230})


def _aligned(runs: Table, experiment: str) -> list[Array]:
    """Return some codes (n, 2) for each weight, of one size and turned alike."""
    planes = []
    for method in WEIGHED.values():
        codes = runs[experiment, method][0].codes
        some = codes[chosen(len(codes), SHOWN)]
        centred = some - some.mean(0)
        planes.append(centred / np.sqrt((centred**2).sum(1).mean() / 2))
    return [plane @ orthogonal_procrustes(plane, planes[AS_PAPER])[0] for plane in planes]


def _points(points: Array) -> dict[str, Any]:
    """Return points (n, 2) as the x and y of a trace, to a thousandth."""
    return {axis: rounded(values, 1e-3) for axis, values in zip("xy", points.T)}


def _losses(run: Run) -> str:
    losses = ", ".join(
        f"<i>L</i><sub>{name[2:]}</sub> {run.record['losses'][name]:.3g}"
        for name in ("L_rec", "L_iso", "L_piso")
    )
    return f"{DATA_SETS[run.spec.data].title}: {losses}, accuracy {run.metrics['knn_accuracy']:.2f}"


def figure_1(runs: Table) -> dict[str, Any]:
    """Figure 1 with sliders over lambda and over the steps of training, for I-AE.

    Above is the projection onto the learned curve, below the latent code along the true one.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    found = {
        (run.spec.weight, run.spec.steps): run
        for (experiment, _), group in runs.items()
        for run in group
        if experiment == "toy/curve" and run.spec.method == "I-AE"
    }
    weights = sorted({weight for weight, _ in found})
    steps = sorted({step for _, step in found})
    last = found[weights[-2], steps[-1]]
    figure = make_subplots(rows=2, row_heights=[0.6, 0.4], vertical_spacing=0.12)
    lines: list[dict[str, Any]] = [
        {"mode": "lines", "name": "learned manifold", "line": {"color": "black", "width": 2}},
        {"mode": "lines", "name": "where points go", "line": {"color": MOVED, "width": 1}},
    ]
    starts = [beside(curve(len(last.figure(f"projected_{s}")))[0], o) for s, o in OFFSETS.items()]
    ends = {"mode": "markers", "showlegend": False,
            "marker": {"symbol": "line-ns-open", "size": 8, "color": MOVED}}  # fmt: skip
    for trace in [*lines, ends, _dots(np.concatenate(starts), BESIDE, 4, "points beside the curve"),
                  _dots(last.points, DATA, 8, "data")]:  # fmt: skip
        figure.add_trace(go.Scatter(hoverinfo="skip", **trace), row=1, col=1)
    length = curve(len(last.figure("codes_along_curve")))[1][:, 0]
    for trace in (
        {"line": {"color": COLOURS["I-AE"]}, "name": "latent code"},
        {"x": length[[0, -1]].tolist(), "y": length[[0, -1]].tolist(), "name": "slope 1",
         "line": {"color": "#555555", "dash": "dot", "width": 1}},
    ):  # fmt: skip
        figure.add_trace(go.Scatter(mode="lines", hoverinfo="skip", **trace), row=2, col=1)
    figure.update_layout(
        height=560, margin={"l": 45, "r": 10, "t": 10, "b": 40}, plot_bgcolor="white",
        paper_bgcolor="white", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"range": [-3.5, 3.5]}, yaxis={"scaleanchor": "x", "range": [-1.5, 1.5]},
        xaxis2={"title": {"text": "position on the curve"}},
        yaxis2={"title": {"text": "latent code"}},
    )  # fmt: skip
    states: dict[tuple[int, ...], State] = {
        (i, j): _state(found[weight, step], np.concatenate(starts), length)
        for (i, weight), (j, step) in product(enumerate(weights), enumerate(steps))
    }
    controls = [
        Control(LAMBDA, [f"{weight:g}" for weight in weights], len(weights) - 2),
        Control("steps", [f"{step:,}" for step in steps], len(steps) - 1),
    ]
    alt = "Where points beside the learned curve go, and the latent code along the true curve"
    narrow = {"height": 480, "showlegend": False}
    still = projections({"I-AE": last})
    return stepped(figure, still, "figure-1-slider", controls, states, alt, narrow)


def _dots(points: Array, colour: str, size: int, name: str) -> dict[str, Any]:
    x, y = points.T.round(3).tolist()
    return {"x": x, "y": y, "mode": "markers", "name": name,
            "marker": {"size": size, "color": colour}}  # fmt: skip


def _state(run: Run, starts: Array, length: Array) -> State:
    """Return what Figure 1 shows of a run: its curve, the ways of points, its code."""
    learned = run.figure("learned_curve")[::EVERY].T
    ends = np.concatenate([run.figure(f"projected_{side}") for side in OFFSETS])
    ways = [
        [round(float(v), 3) if k < 2 else None for row in zip(starts[:, a], ends[:, a], ends[:, a])
         for k, v in enumerate(row)]
        for a in (0, 1)
    ]  # fmt: skip
    codes = run.figure("codes_along_curve")[:, 0]
    codes = (codes - codes[0]) * np.sign(codes[-1] - codes[0])
    traces: list[Mapping[str, Any]] = [
        _points(learned.T), {"x": ways[0], "y": ways[1]}, _points(ends), {}, {},
        _points(np.stack([length, codes], axis=1)[::EVERY]), {},
    ]  # fmt: skip
    says = (
        f"Variation of the steps on the curve: {run.metrics['spacing_variation']:.3f}. "
        f"Error at the data: {run.metrics['rmse']:.2g}."
    )
    return State(traces, says)
