"""Section 4.1 beyond Table 1: the sphere's floor, cuts and folds, kept distances, distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

from isoae_lib.book.style import bare, label, plain
from isoae_lib.book.tables import averaged
from isoae_lib.core.arrays import Array
from isoae_lib.paper import baseline_records, floors, printed, sections
from isoae_lib.paper.baseline_records import Numbers
from isoae_lib.paper.claims.rule import Table, mean_and_deviation
from isoae_lib.paper.data.surfaces import SPHERE_RADIUS, SURFACES
from isoae_lib.paper.metrics.distortion import embedding_differentials
from isoae_lib.paper.metrics.geodesics import SIGMAS
from isoae_lib.paper.metrics.tears import torn_pairs
from isoae_lib.paper.runs import Run

SPHERE = "open-sphere"
SHARES = {"torn": "torn_share", "folded": "folded_share"}
KEPT = {
    "k-NN recall": ("knn_recall", 2), "rank correlation": ("rank_correlation", 3),
    **{f"KL {sigma:g}": (f"kl_{sigma:g}", 4) for sigma in SIGMAS},
}  # fmt: skip
ACROSS = 12  # ellipses along the longer side of an embedding
LONGEST = 1.5  # times the median: larger ellipses are drawn as if they had this length
MOST = 4.0  # times the median area: the end of the scale of colours
Rows = Mapping[tuple[str, str], list[Numbers]]  # surface and method -> metrics of each seed


def rows_of_codes(published: Table) -> Rows:
    """Measure the published codes on all surfaces; with the published classic embeddings."""
    classic = baseline_records.published_on_surfaces()
    rows: dict[tuple[str, str], list[Numbers]] = {}
    for data in SURFACES:
        for method in sections.SECTIONS["3d"].methods:
            if group := published.get((f"3d/{data}", method)):
                rows[data, method] = [baseline_records.numbers_of_run(run) for run in group]
        rows |= {(data, method): seeds for method, seeds in classic.get(data, {}).items()}
    return rows


def cuts_and_folds(rows: Rows) -> pd.DataFrame:
    """Show which share of neighbours is torn apart, and of triangles folded over, in percent."""
    cells: dict[str, dict[str, str]] = {}
    for (data, method), seeds in rows.items():
        for name, metric in SHARES.items():
            percent = 100 * np.array([seed.get(metric, np.inf) for seed in seeds])
            shown = mean_and_deviation(percent, 1)
            cells.setdefault(plain(method), {})[f"{SURFACES[data].title}, {name}"] = shown
    return pd.DataFrame.from_dict(cells, orient="index").fillna("–")


def kept_distances(rows: Rows) -> pd.DataFrame:
    """Show what the field measures: neighbours, distances and densities against geodesics."""
    titled = {(SURFACES[data].title, plain(m)): seeds for (data, m), seeds in rows.items()}
    return averaged(titled, KEPT)


def floor_table() -> pd.DataFrame:
    """Show the spread of edge ratios of maps of the open sphere into the plane."""
    spreads = {f"{name} map": floors.known_map(name) for name in floors.KNOWN} | {
        "best uncut map": floors.best_rings()[0],
        "best uncut map, on the grid of Table 1": float(floors.on_the_book_s_grid().std()),
        "best map with one slit to the pole": floors.best_rings(slit=True)[0],
    }
    return pd.DataFrame({"spread": {name: f"{value:.3f}" for name, value in spreads.items()}})


def how_far_cut(published: Table, methods: Sequence[str]) -> pd.DataFrame:
    """Show, seed by seed, how far from the rim of the open sphere a method cuts it."""
    return pd.DataFrame.from_dict(
        {
            (plain(method), run.spec.seed): {
                "std of edge ratios": f"{run.metrics['edge_ratio_std']:.3f}",
                "torn (%)": f"{100 * baseline_records.numbers_of_run(run)['torn_share']:.2f}",
                "cut up to": f"{_cut_up_to(run):.0f}°",
                "correlation of distances": f"{run.metrics['distance_correlation']:.2f}",
            }
            for method in methods
            for run in _on_sphere(published, method)
        },
        orient="index",
    )


def _on_sphere(published: Table, method: str) -> list[Run]:
    """Return a method's published runs that did not diverge."""
    group = published.get((f"3d/{SPHERE}", method), [])
    return [run for run in group if run.record["status"] == "finished"]


def _cut_up_to(run: Run) -> float:
    """Return the least angle from the pole, in degrees, at which neighbours are torn apart."""
    pairs, torn = torn_pairs(run.codes, run.chart, SURFACES[SPHERE])
    theta = np.degrees(np.linalg.norm(run.chart, axis=1) / SPHERE_RADIUS)
    return float(theta[pairs[torn]].mean(1).min(initial=np.degrees(floors.CAP)))


def what_the_floor_says(published: Table) -> Markdown:
    """Say in words how methods get below the floor, and what the paper's number would need."""
    on_grid, slit = floors.on_the_book_s_grid().std(), floors.best_rings(slit=True)[0]
    number = printed.table_1()[SPHERE]["I-AE"]
    cap, ours = np.degrees([floors.cap_with_floor(number), floors.CAP])
    without = _on_sphere(published, "I-AE-without-L_piso")
    below = [run for run in without if run.metrics["edge_ratio_std"] < on_grid]
    slits = [run for run in below if _cut_up_to(run) < np.degrees(floors.CAP) / 4]
    others = [run.metrics["distance_correlation"] for run in _on_sphere(published, "I-AE")]
    prices = " and ".join(f"{run.metrics['distance_correlation']:.2f}" for run in slits)
    return Markdown(
        f"**Leaving out L_piso scores lower because the sphere is cut.** {len(below)} of "
        f"{len(without)} seeds without it are below the floor on the grid of Table 1, "
        f"{on_grid:.3f}. Of these, {len(slits)} are slit from the rim almost to the pole. Their "
        f"distances correlate {prices or '–'} with the true ones, those of I-AE "
        f"{np.mean(others):.2f}.\n\n"
        f"**No uncut map reaches the paper's {number:.2f}.** It needs a slit to the pole "
        f"({slit:.3f}), or a smaller cap: {cap:.0f}° instead of our {ours:.0f}° from the pole to "
        "the rim. The paper does not say how much of its sphere is missing."
    )


def distortion_maps(table: Table, methods: Sequence[str]) -> Figure:
    """Draw Tissot's ellipses of the first seed: one row per surface, one column per method.

    Each is the image of a small circle on the surface; within a panel all circles have one size.
    The colour is the ellipse's area over the median of the surface.
    """
    shown = [s for s in SURFACES if all((f"3d/{s}", m) in table for m in methods)]
    figure, panels = plt.subplots(
        len(shown), len(methods), figsize=(7.2, 7.2 / len(methods) * len(shown)), squeeze=False
    )
    drawn: Any = None
    for data, row in zip(shown, panels, strict=True):
        for method, axes in zip(methods, row, strict=True):
            run = table[f"3d/{data}", method][0]
            if run.record["status"] == "finished":
                codes = along_axes(run.codes)
                axes.plot(*codes.T, ".", ms=0.8, color="#999999", zorder=0)
                drawn = axes.add_collection(ellipses(axes, codes, run.chart, data))
            axes.set_aspect("equal", adjustable="datalim")
            axes.set_title(label(method) if data == shown[0] else "")
            bare(axes)
        row[0].set_ylabel(SURFACES[data].title)
    bar = figure.colorbar(
        drawn, ax=panels, location="bottom", shrink=0.6, aspect=40, extend="both",
        label="area in the plane for the same area on the surface (median 1)",
    )  # fmt: skip
    ticks = (1 / MOST, 0.5, 1, 2, MOST)
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
    bar.ax.minorticks_off()
    return figure


def along_axes(codes: Array) -> Array:
    """Turn codes (n, 2) so that the first axis is the one along which they vary most."""
    centred = codes - codes.mean(0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2].T


def ellipses(axes: Axes, codes: Array, chart: Array, data: str) -> EllipseCollection:
    """Return Tissot's ellipses at the codes (n, 2) that are nearest to a regular grid."""
    K = embedding_differentials(codes, chart, SURFACES[data])
    spacing = float(np.ptp(codes, axis=0).max()) / ACROSS
    ticks = [np.arange(low, high, spacing) + spacing / 2
             for low, high in zip(codes.min(0), codes.max(0), strict=True)]  # fmt: skip
    grid = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(codes).query(grid)
    chosen = np.unique(nearest[distance < spacing / 2])
    U, sigma, _ = np.linalg.svd(K[chosen])
    area = np.abs(np.linalg.det(K))
    longest = sigma[:, 0] / np.median(sigma[:, 0])
    widths, heights = 0.85 * spacing * (sigma.T / sigma[:, 0]) * np.minimum(longest, LONGEST)
    return EllipseCollection(
        widths, heights, np.degrees(np.arctan2(U[:, 1, 0], U[:, 0, 0])), units="xy",
        offsets=codes[chosen], offset_transform=axes.transData,
        array=area[chosen] / np.median(area), cmap="cividis", norm=LogNorm(1 / MOST, MOST),
        edgecolors="#333333", linewidths=0.4,
    )  # fmt: skip
