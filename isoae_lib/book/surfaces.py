"""Figure 1 and section 4.1: a curve and surfaces, Table 1, Figures 3 and 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.interactive import bundle
from isoae_lib.book.style import COLOURS, INKS, REFERENCE, bare, label, plain, two_in_a_row
from isoae_lib.book.tables import ranked
from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_map
from isoae_lib.paper import printed, sections
from isoae_lib.paper.claims.rule import Table, mean_and_deviation, values
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.surfaces import SURFACES, Surface
from isoae_lib.paper.metrics.curves import OFFSETS
from isoae_lib.paper.metrics.surfaces import RATIO_BINS, decoded_box, far_from
from isoae_lib.paper.runs import Run

SECTION = sections.SECTIONS["3d"]
COLUMNS = 6  # panels in a row of Figure 3, at most
BESIDE, MOVED, DATA = INKS  # points beside the curve, where they go, and the data of Figure 1
FAR = MOVED  # parts of a decoded surface that are far from the true one
PER_BAR = 10  # bins of the recorded histogram of edge ratios that are drawn as one
UNCUT = "best uncut map"
HIGH = 0.9  # of a histogram, where rows are 1 apart


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
                color=MOVED, zorder=3,
            )  # fmt: skip
            axes.plot(*start.T, ".", color=BESIDE, ms=4, zorder=4)
            axes.plot(*end.T, "|", color=MOVED, ms=7, zorder=4)
        axes.plot(*run.points.T, "o", color=DATA, ms=6, mec="white", zorder=5, label="data")
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
    axes.plot(length, length, label="slope 1", **REFERENCE)
    axes.set(xlabel="position on the curve (arc length)", ylabel="latent code $z$")
    axes.legend()
    return figure


def embedding_row(
    surface: Surface,
    points: Array,
    chart: Array,
    codes: Mapping[str, Array],
    most: int = COLUMNS,
    width: float = 10.5,
) -> Figure:
    """One row of Figure 3: the 3D data and its embeddings, at most so many panels side by side.

    A point has the colour of its first chart coordinate. The width is in inches.
    """
    rows = -(-(len(codes) + 1) // most)
    columns = -(-(len(codes) + 1) // rows)
    figure = plt.figure(figsize=(width, 1.07 * width * rows / columns))
    solid: Any = figure.add_subplot(rows, columns, 1, projection="3d")
    solid.scatter(*points.T, c=chart[:, 0], s=3)
    solid.view_init(elev=12, azim=-70) if surface.developable else solid.view_init(25, -60)
    solid.set(title=surface.title, xticklabels=[], yticklabels=[], zticklabels=[])
    solid.set_box_aspect(np.ptp(points, axis=0))
    for i, (method, plane) in enumerate(codes.items(), start=2):
        axes = figure.add_subplot(rows, columns, i)
        axes.scatter(plane[:, 0], plane[:, 1], c=chart[:, 0], s=2)
        axes.set_title(label(method))
        axes.set_aspect("equal", adjustable="datalim")
        bare(axes)
    return figure


def embeddings(data: str, runs: Mapping[str, Run], others: Mapping[str, Array]) -> Figure:
    """Figure 3 for one surface: the codes of runs on it, and other embeddings, by method."""
    first = next(iter(runs.values()))
    codes = {method: run.codes for method, run in runs.items()} | dict(others)
    return embedding_row(SURFACES[data], first.points, first.chart, codes)


def edge_histograms(
    surface_runs: Mapping[str, Mapping[str, Run]], floors: Mapping[str, Array] | None = None
) -> Figure:
    """Histograms of the edge ratios l_ij of Table 1, each as high as the others.

    One panel per surface, and one row per method. The last row has the best uncut map: its ratios
    are in `floors`, by the surface's title, or all of them are 1.
    """
    figure, panels = two_in_a_row(len(surface_runs), 2.8, sharex=True, sharey=True)
    bins = RATIO_BINS[::PER_BAR]
    middle = (bins[1:] + bins[:-1]) / 2
    methods = {m for runs in surface_runs.values() for m in finished(runs)}
    names = [label(m) for m in COLOURS if m in methods] + [UNCUT]
    for axes, (title, runs) in zip(panels, surface_runs.items(), strict=True):
        rows = {
            label(method): (run.figure("edge_ratio_histogram")[:-1], COLOURS[method])
            for method, run in finished(runs).items()
        }
        best = np.histogram((floors or {}).get(title, np.ones(1)), RATIO_BINS)[0]
        rows[UNCUT] = best, REFERENCE["color"]
        for name, (counts, colour) in rows.items():
            height = counts.reshape(-1, PER_BAR).sum(1)
            base = -names.index(name)
            axes.plot(middle, base + HIGH * height / max(height.max(), 1), color=colour, lw=1)
            axes.fill_between(middle, base, axes.lines[-1].get_ydata(), color=colour, alpha=0.4)
        axes.axvline(1, **REFERENCE)
        axes.set(title=title, xlim=(0, 3))
    figure.supxlabel("edge ratio $l_{ij}$ (mean scaled to 1)")
    panels[0].set_yticks([-row for row in range(len(names))], names)
    return figure


def finished(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the runs that did not diverge, by method: of the others nothing is drawn."""
    return {m: run for m, run in runs.items() if run.record["status"] == "finished"}


def first_seeds(runs: Table, methods: Iterable[str]) -> dict[str, dict[str, Run]]:
    """Return the first seed of each method, by surface; what has no run is left out."""
    found = {
        data: {m: runs[f"3d/{data}", m][0] for m in methods if (f"3d/{data}", m) in runs}
        for data in SURFACES
    }
    return {data: row for data, row in found.items() if row}


def keeping(surface_runs: Mapping[str, Mapping[str, Run]], name: str) -> dict[str, dict[str, Run]]:
    """Return the runs whose records keep what a figure draws, by the surface's title and method.

    Older records keep less. Surfaces without any are left out.
    """
    kept = {
        SURFACES[data].title: {m: run for m, run in row.items() if name in run.figures}
        for data, row in surface_runs.items()
    }
    return {title: row for title, row in kept.items() if row}


def most_added(surface_runs: Mapping[str, dict[str, Run]]) -> tuple[str, dict[str, Run]]:
    """Return the surface on which leaving out L_piso adds most area to I-AE's, and its runs."""

    def added(row: Mapping[str, Run]) -> float:
        without, whole = (row[m].metrics["extra_area"] for m in ("I-AE-without-L_piso", "I-AE"))
        return without - whole

    return max(surface_runs.items(), key=lambda named: added(named[1]))


def singular_values(surface_runs: Mapping[str, Mapping[str, Run]]) -> Figure:
    """Distribution of the singular values of df(z) at the codes, by surface and method."""
    figure, panels = two_in_a_row(len(surface_runs), 2.6, sharey=True)
    for axes, (title, runs) in zip(panels, surface_runs.items(), strict=True):
        values = {m: run.singular_values.ravel() for m, run in finished(runs).items()}
        boxes = axes.boxplot(
            list(values.values()), whis=(5, 95), showfliers=False, patch_artist=True, widths=0.6,
            medianprops={"color": "white", "lw": 1.5},
        )  # fmt: skip
        for place, (box, method) in enumerate(zip(boxes["boxes"], values), start=1):
            box.set(facecolor=COLOURS[method], edgecolor=COLOURS[method])
            middle = np.median(values[method].astype(float))  # a box may be thinner than a line
            axes.plot(place, middle, "o", color=COLOURS[method], mec="white", ms=6)
        axes.axhline(1, **REFERENCE)
        axes.set(title=title, yscale="log")
        axes.set_xticks(range(1, len(values) + 1), [label(m) for m in values], rotation=40)
        axes.grid(axis="x", visible=False)
    figure.supylabel("singular values of $df(z)$")
    return figure


def decoded_surface(run: Run) -> tuple[Array, NDArray[np.bool_]]:
    """Return the decoded surface (n, n, 3) of Figure 4, and what of it (n, n) is far from the true.

    It is the recorded one. Where the record has networks instead, they decode it again.
    """
    if "decoded_surface" in run.figures or not run.has_weights:
        return run.figure("decoded_surface").astype(float), run.figure("far_from_surface")
    decoded = decoded_box(decoder_map(run.model), run.codes)
    return decoded, far_from(run.spec.surface, decoded)


def decoder_surfaces(runs: Mapping[str, Run]) -> Figure:
    """Figure 4: the decoder's image of the codes' bounding box, with the data on it.

    What is far from the true surface is dark red.

    Parameters
    ----------
    runs : mapping of str to Run
        Runs on one surface, by method.
    """
    figure = plt.figure(figsize=(4.6 * len(runs), 4.2))
    for i, (method, run) in enumerate(runs.items(), start=1):
        decoded, far = decoded_surface(run)
        shade = np.where(far[..., None], mpl.colors.to_rgba(FAR), (0.7, 0.7, 0.7, 1))
        axes: Any = figure.add_subplot(1, len(runs), i, projection="3d")
        axes.plot_surface(
            *np.moveaxis(decoded, -1, 0), facecolors=shade[:-1, :-1], rstride=1, cstride=1,
            linewidth=0, antialiased=False, alpha=0.75,
        )  # fmt: skip
        axes.scatter(*run.points[::4].T, color=DATA, s=2)
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
        subplot_titles=[plain(m) for m in runs],
    )  # fmt: skip
    for column, run in enumerate(runs.values(), start=1):
        decoded, far = (array[::2, ::2] for array in decoded_surface(run))
        x, y, z = np.moveaxis(np.round(decoded, 3), -1, 0)
        figure.add_trace(
            go.Surface(
                x=x, y=y, z=z, surfacecolor=far.astype(int), cmin=0, cmax=1,
                colorscale=[[0, "#B5B5B5"], [1, FAR]], showscale=False,
                hoverinfo="skip",
            ), row=1, col=column,
        )  # fmt: skip
        px, py, pz = np.round(run.points[::4], 3).T
        figure.add_trace(
            go.Scatter3d(
                x=px, y=py, z=pz, mode="markers", hoverinfo="skip",
                marker={"size": 1.8, "color": DATA},
            ), row=1, col=column,
        )  # fmt: skip
    scene = {"aspectmode": "data", **{f"{a}axis": {"visible": False} for a in "xyz"}}
    figure.update_layout(
        height=420, margin={"l": 0, "r": 0, "t": 30, "b": 0}, showlegend=False,
        paper_bgcolor="white", **{f"scene{i or ''}": scene for i in (0, *range(2, len(runs) + 1))},
    )  # fmt: skip
    return bundle(figure, decoder_surfaces(runs), "figure-4")


def table_1(sources: Mapping[str, Table]) -> pd.DataFrame:
    """Table 1: as printed, and from each source of runs; the first three of a row are marked."""
    methods = [m for m in SECTION.methods if m != "I-AE-without-L_piso"]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for data, surface in SURFACES.items():
        numbers = printed.table_1().get(data, {})
        cells = {m: f"{numbers[m]:.2f}" if m in numbers else "–" for m in methods}
        rows[surface.title, "paper"] = ranked(cells, numbers, highest=False)
        for source, runs in sources.items():
            found = {m: values(runs, f"3d/{data}", m, "edge_ratio_std") for m in methods}
            means = {m: float(v.mean()) for m, v in found.items() if len(v)}
            cells = {m: _as_printed(found[m]) if m in means else "–" for m in methods}
            rows[surface.title, source] = ranked(cells, means, highest=False)
    return pd.DataFrame.from_dict(rows, orient="index")


def _as_printed(numbers: np.ndarray) -> str:
    """Format a cell of Table 1: two decimals as in print, three where two would show one digit."""
    return mean_and_deviation(numbers, 3 if numbers.mean() < 0.05 else 2)


def other_settings(runs: Table, data: str) -> pd.DataFrame:
    """Show Table 1's number of the rivals at other settings (decision 14), below that of I-AE."""
    rows = {("I-AE", f"weight {sections.spec(f'3d/{data}/I-AE', 'published').weight:g}"): "I-AE"}
    for method, (field, (weaker, stronger)) in SECTION.otherwise.items():
        as_above = getattr(sections.spec(f"3d/{data}/{method}", "published"), field)
        for value in (weaker, as_above, stronger):
            name = method if value == as_above else f"{method},{field}={value}"
            rows[method, f"{field} {value:g}"] = name
    found = {row: values(runs, f"3d/{data}", name, "edge_ratio_std") for row, name in rows.items()}
    shown = {
        row: {"std": mean_and_deviation(v, 3), "seeds": len(v)}
        for row, v in found.items()
        if len(v)
    }
    return pd.DataFrame.from_dict(shown, orient="index")


Rows = dict[tuple[str, str, str], tuple[Table, str, str]]


def rows_of(sources: Mapping[str, Table], methods: Iterable[str] = SECTION.methods) -> Rows:
    """Return rows for `tables.measured`: every source, surface and method."""
    return {
        (source, surface.title, plain(m)): (runs, f"3d/{data}", m)
        for source, runs in sources.items()
        for data, surface in SURFACES.items()
        for m in methods
    }


def having(rows: Rows, metric: str) -> Rows:
    """Return the rows whose records have a metric: older ones lack those that came later."""
    return {
        name: row
        for name, row in rows.items()
        if any(metric in run.metrics for run in row[0].get(row[1:], []))
    }
