"""One style and one function a figure of the paper; matplotlib, and plotly for what turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isoae_lib.book.interactive import bundle
from isoae_lib.core.arrays import Array
from isoae_lib.core.methods import METHODS
from isoae_lib.paper.claims.rule import Outcome, Verdict
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.surfaces import Surface
from isoae_lib.paper.metrics.curves import OFFSETS
from isoae_lib.paper.metrics.surfaces import RATIO_BINS
from isoae_lib.paper.runs import Run

# The same method has the same colour everywhere; what is no autoencoder is grey.
SHOWN = {name: row for name, row in METHODS.items() if row.colour}
COLOURS = {name: row.colour for name, row in SHOWN.items()} | {
    "U-MAP": "#7A7A7A", "t-SNE": "#9C9C9C", "LLE": "#BEBEBE"
}  # fmt: skip
MARKERS = {name: row.marker for name, row in SHOWN.items()} | {
    "U-MAP": "h",
    "t-SNE": "d",
    "LLE": "*",
}
PER_BAR = 10  # bins of the recorded histogram of edge ratios that are drawn as one
POSITION = "viridis"  # colours a point by its place on the surface; monotone in grey


def style() -> None:
    """Set the book's matplotlib style: light ground, thin axes, sizes that read on a phone."""
    plt.style.use("seaborn-v0_8-whitegrid")
    mpl.rcParams.update({
        "figure.dpi": 110, "savefig.dpi": 110, "figure.facecolor": "white",
        "savefig.facecolor": "white", "font.size": 11, "axes.titlesize": 11,
        "axes.labelsize": 11, "axes.edgecolor": "#555555", "axes.linewidth": 0.8,
        "grid.color": "#E3E3E3", "grid.linewidth": 0.6, "legend.frameon": False,
        "lines.linewidth": 1.8, "image.cmap": POSITION, "figure.constrained_layout.use": True,
        "axes.prop_cycle": plt.cycler(color=[row.colour for row in SHOWN.values()]),
        "svg.hashsalt": "isoae",
    })  # fmt: skip


def label(method: str) -> str:
    """Return a method's name as printed in figures and tables."""
    return METHODS[method].label or method if method in METHODS else method


def place(chart: Array) -> Array:
    """Return a number in [0, 1] a point, by its first chart coordinate: what colours it."""
    first = chart[:, 0]
    return (first - first.min()) / (first.max() - first.min())


def bare(axes: Axes) -> None:
    """Leave out ticks and grid, where coordinates mean nothing."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def projections(runs: Mapping[str, Run]) -> Figure:
    """Figure 1: where points beside a curve go under decoder(encoder(.)), one panel per method."""
    figure, panels = plt.subplots(
        len(runs), 1, figsize=(7.2, 3.2 * len(runs)), sharex=True, squeeze=False
    )
    for axes, (method, run) in zip(panels[:, 0], runs.items()):
        axes.plot(*run.figure("learned_curve").T, "k", lw=1.4, label="learned manifold", zorder=2)
        for side, offset in OFFSETS.items():
            end = run.figure(f"projected_{side}")
            start = beside(curve(len(end))[0], offset)
            axes.quiver(
                *start.T, *(end - start).T, angles="xy", scale_units="xy", scale=1, width=0.0025,
                color=COLOURS["CAE"], zorder=3,
            )  # fmt: skip
            axes.plot(*start.T, ".", color=COLOURS["I-AE"], ms=4, zorder=4)
            axes.plot(*end.T, "|", color=COLOURS["CAE"], ms=7, zorder=4)
        axes.plot(
            *run.points.T, "o", color=COLOURS["RAE-GP"], ms=6, mec="white", zorder=5, label="data"
        )
        axes.set(title=label(method), ylabel="$x_2$", aspect="equal")
    panels[-1, 0].set_xlabel("$x_1$")
    panels[0, 0].legend(loc="upper right", ncols=2)
    return figure


def code_along_curve(runs: Mapping[str, Run]) -> Figure:
    """The latent code against the position on the curve; an isometry has slope 1 or -1."""
    figure, axes = plt.subplots(figsize=(7.2, 3))
    for (method, run), dashes in zip(runs.items(), ("-", "--"), strict=False):
        codes = run.figure("codes_along_curve")[:, 0]
        codes = (codes - codes[0]) * np.sign(codes[-1] - codes[0])
        length = curve(len(codes))[1][:, 0]
        axes.plot(length, codes, dashes, color=COLOURS[method], label=label(method))
    axes.plot(length, length, ":", color="#555555", lw=1, label="slope 1")
    axes.set(xlabel="position on the curve (arc length)", ylabel="latent code $z$")
    axes.legend()
    return figure


def embeddings(surface: Surface, points: Array, chart: Array, codes: Mapping[str, Array]) -> Figure:
    """One row of Figure 3: the 3D data and its embeddings, coloured by place on the surface."""
    columns = 5
    rows = -(-(len(codes) + 1) // columns)
    figure = plt.figure(figsize=(2.1 * columns, 2.25 * rows))
    colour = place(chart)
    solid: Any = figure.add_subplot(rows, columns, 1, projection="3d")
    solid.scatter(*points.T, c=colour, s=3)
    solid.view_init(elev=12, azim=-70) if surface.developable else solid.view_init(25, -60)
    solid.set(title=surface.title, xticklabels=[], yticklabels=[], zticklabels=[])
    solid.set_box_aspect(np.ptp(points, axis=0))
    for i, (method, plane) in enumerate(codes.items(), start=2):
        axes = figure.add_subplot(rows, columns, i)
        axes.scatter(plane[:, 0], plane[:, 1], c=colour, s=2)
        axes.set_title(label(method))
        axes.set_aspect("equal", adjustable="datalim")
        bare(axes)
    return figure


def edge_histograms(surface_runs: Mapping[str, Mapping[str, Run]]) -> Figure:
    """Histograms of the edge ratios l_ij of Table 1: one panel per surface, one line per method."""
    figure, panels = plt.subplots(1, len(surface_runs), figsize=(10.5, 3.2), sharey=True)
    bins = RATIO_BINS[::PER_BAR]
    for axes, (title, runs) in zip(np.atleast_1d(panels), surface_runs.items()):
        for method, run in finished(runs).items():
            counts = run.figure("edge_ratio_histogram")[:-1].reshape(-1, PER_BAR).sum(1)
            density = counts / (counts.sum() * np.diff(bins))
            axes.plot(
                (bins[1:] + bins[:-1]) / 2, density, color=COLOURS[method],
                label=label(method), lw=2.6 if method == "I-AE" else 1.2,
                marker=MARKERS[method], markevery=8, ms=4,
            )  # fmt: skip
        axes.axvline(1, color="#555555", lw=0.8, ls=":")
        axes.set(title=title, xlabel="edge ratio $l_{ij}$ (mean scaled to 1)", xlim=(0, 3))
    np.atleast_1d(panels)[0].set_ylabel("density")
    np.atleast_1d(panels)[-1].legend(fontsize=9)
    return figure


def finished(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs that did not diverge, by method: of the others nothing is drawn."""
    return {m: run for m, run in runs.items() if run.record["status"] == "finished"}


def singular_values(surface_runs: Mapping[str, Mapping[str, Run]]) -> Figure:
    """Distribution of the singular values of df(z) at the codes, by surface and method."""
    figure, panels = plt.subplots(1, len(surface_runs), figsize=(10.5, 3.2), sharey=True)
    for axes, (title, runs) in zip(np.atleast_1d(panels), surface_runs.items()):
        values = {m: run.figure("singular_values").ravel() for m, run in finished(runs).items()}
        boxes = axes.boxplot(
            [sigma.astype(float) for sigma in values.values()], whis=(5, 95), showfliers=False,
            patch_artist=True, widths=0.6, medianprops={"color": "white", "lw": 1.5},
        )  # fmt: skip
        for box, method in zip(boxes["boxes"], values):
            box.set(facecolor=COLOURS[method], edgecolor=COLOURS[method])
        axes.axhline(1, color="#555555", lw=0.8, ls=":")
        axes.set(title=title, yscale="log")
        axes.set_xticks(range(1, len(values) + 1), [label(m) for m in values], rotation=40)
        axes.grid(axis="x", visible=False)
    np.atleast_1d(panels)[0].set_ylabel("singular values of $df(z)$")
    return figure


def decoder_surfaces(runs: Mapping[str, Run]) -> Figure:
    """Figure 4: the decoder's image of the codes' bounding box, with the data on it.

    What is far from the true surface is orange.

    Parameters
    ----------
    runs : mapping of str to Run
        Runs on one surface, by method.
    """
    figure = plt.figure(figsize=(4.6 * len(runs), 4.2))
    for i, (method, run) in enumerate(runs.items(), start=1):
        decoded = run.figure("decoded_surface").astype(float)
        far = run.figure("far_from_surface")[..., None]
        shade = np.where(far, mpl.colors.to_rgba(COLOURS["CAE"]), (0.7, 0.7, 0.7, 1))
        axes: Any = figure.add_subplot(1, len(runs), i, projection="3d")
        axes.plot_surface(
            *np.moveaxis(decoded, -1, 0), facecolors=shade[:-1, :-1], rstride=1, cstride=1,
            linewidth=0, antialiased=False, alpha=0.75,
        )  # fmt: skip
        axes.scatter(*run.points[::4].T, color=COLOURS["I-AE"], s=2)
        axes.view_init(elev=15, azim=-65)
        axes.set(title=label(method), xticklabels=[], yticklabels=[], zticklabels=[])
        axes.set_box_aspect(np.ptp(decoded.reshape(-1, 3), axis=0))
    return figure


def turning_surfaces(runs: Mapping[str, Run]) -> dict[str, Any]:
    """Figure 4, to be turned, as `display(..., raw=True)` takes it."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    cells: list[dict[str, str]] = [{"type": "scene"} for _ in runs]
    figure = make_subplots(
        rows=1, cols=len(runs), specs=[cells],
        subplot_titles=[label(m).replace("$L_{piso}$", "L_piso") for m in runs],
    )  # fmt: skip
    for column, run in enumerate(runs.values(), start=1):
        decoded, far = (run.figure(f)[::2, ::2] for f in ("decoded_surface", "far_from_surface"))
        x, y, z = np.moveaxis(np.round(decoded.astype(float), 3), -1, 0)
        figure.add_trace(
            go.Surface(
                x=x, y=y, z=z, surfacecolor=far.astype(int), cmin=0, cmax=1,
                colorscale=[[0, "#B5B5B5"], [1, COLOURS["CAE"]]], showscale=False,
                hoverinfo="skip",
            ), row=1, col=column,
        )  # fmt: skip
        px, py, pz = np.round(run.points[::4], 3).T
        figure.add_trace(
            go.Scatter3d(
                x=px, y=py, z=pz, mode="markers", hoverinfo="skip",
                marker={"size": 1.8, "color": COLOURS["I-AE"]},
            ), row=1, col=column,
        )  # fmt: skip
    scene = {"aspectmode": "data", **{f"{a}axis": {"visible": False} for a in "xyz"}}
    figure.update_layout(
        height=420, margin={"l": 0, "r": 0, "t": 30, "b": 0}, showlegend=False,
        paper_bgcolor="white", **{f"scene{i or ''}": scene for i in (0, *range(2, len(runs) + 1))},
    )  # fmt: skip
    return bundle(figure, decoder_surfaces(runs), "figure-4")


VERDICT_COLOURS = {  # of the bar, and of the words on it
    Verdict.REPRODUCED: ("#0072B2", "white"),
    Verdict.PARTLY: ("#56B4E9", "black"),
    Verdict.NOT: ("#D55E00", "white"),
    Verdict.NOT_ATTEMPTED: ("#BBBBBB", "black"),
}


def verdict_bars(ledger: Iterable[Outcome]) -> Figure:
    """One bar of verdicts: how many claims ended in each."""
    figure, axes = plt.subplots(figsize=(8, 1.3))
    counts, left = Counter(outcome.verdict for outcome in ledger), 0
    for verdict in [verdict for verdict in Verdict if counts[verdict]]:
        colour, ink = VERDICT_COLOURS[verdict]
        axes.barh(0, counts[verdict], left=left, color=colour, edgecolor="white")
        words, middle = f"{fill(verdict, 14)}\n{counts[verdict]}", left + counts[verdict] / 2
        axes.text(middle, 0, words, ha="center", va="center", color=ink)
        left += counts[verdict]
    axes.axis("off")
    return figure


def growth(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Time of a step against points, and against the latent size, both axes logarithmic."""
    lines = {
        "points": {
            "reference": ("double backward", COLOURS["CAE"], "s"),
            "ours_iae": ("I-AE, ours", COLOURS["I-AE"], "o"),
            "floor": ("matrix products of I-AE", COLOURS["U-MAP"], "v"),
            "ours_ae": ("AE, ours", COLOURS["AE"], "^"),
        },
        "latent": {
            "full_jacobians": ("full Jacobians", COLOURS["CAE"], "s"),
            "ours_iae": ("one probe each, ours", COLOURS["I-AE"], "o"),
        },
    }
    names = {"points": "points a step", "latent": "latent size $d$"}
    figure, grid = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for axes, (sweep, wanted) in zip(grid, lines.items(), strict=True):
        found = [row for row in rows if row["sweep"] == sweep]
        at = [row[sweep] for row in found]
        for key, (name, color, marker) in wanted.items():
            axes.loglog(
                at, [row[f"{key}_ms"] for row in found], marker=marker, color=color, label=name
            )
        axes.set(xlabel=names[sweep], xticks=at, xticklabels=at)
        axes.minorticks_off()
        axes.legend()
    grid[0].set_ylabel("milliseconds a step")
    return figure
